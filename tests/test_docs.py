"""What the documentation says is so: nothing is missing, outdated or dead."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from docs.generate import PAGES
from docs.operations_reference import own_operations
from processors.operation import Operation
from processors.registry import registry
from service.cli.options import API_KEY
from service.environment import PREFIX, TEST_PREFIX
from service.errors import INTERNAL, KINDS
from service.settings import parts, variables
from tests.pages import ALL_TEXT, ROOT, TEXTS, blocks

SETTINGS = [variable.name for part in parts().values() for variable in variables(part)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run `make docs`"


@pytest.mark.parametrize("operation", own_operations(), ids=lambda operation: operation.name())
def test_the_reference_has_every_operation_with_all_its_parameters(
    operation: type[Operation],
) -> None:
    section = TEXTS["docs/operations.md"].partition(f"\n### {operation.name()}\n")[2]
    section = section.partition("\n### ")[0]
    assert f"`{json.dumps(operation.example)}`" in section
    for name in (*operation.parameters(), *operation.aliases):
        assert f"`{name}`" in section


def test_the_reference_has_every_kind_of_error() -> None:
    for kind in (*KINDS.values(), INTERNAL):
        assert f"| {kind.status} | `/problems/{kind.slug}` |" in TEXTS["docs/errors.md"]


def test_every_route_is_in_the_list(app: FastAPI) -> None:
    missing = [
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if f"| `{method.upper()} {path}` |" not in TEXTS["docs/index.md"]
    ]
    assert not missing


def test_the_list_names_no_route_that_is_not_there(app: FastAPI) -> None:
    named = re.findall(r"^\| `([A-Z]+) (\S+)` \|", TEXTS["docs/index.md"], re.MULTILINE)
    assert named
    assert [route for route in named if route[0].lower() not in _methods(app, route[1])] == []


def _methods(app: FastAPI, path: str) -> dict[str, object]:
    found: dict[str, object] = app.openapi()["paths"].get(path, {})
    return found


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in ALL_TEXT


def test_no_page_names_a_setting_that_is_not_there() -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", ALL_TEXT))
    named.discard(API_KEY)  # of the command line, which is a client then
    assert {name for name in named if not name.startswith(TEST_PREFIX)} <= set(SETTINGS)


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_something(page: str) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        target, _, anchor = link.partition("#")
        if "://" not in link and not _is_there((ROOT / page).parent / target, page, anchor):
            dead.append(link)
    assert not dead


def _is_there(path: Path, page: str, anchor: str) -> bool:
    path = ROOT / page if path.is_dir() else path
    if not path.exists() or not anchor:
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", TEXTS)
def test_files_that_are_named_are_there(page: str) -> None:
    folders = "processors|schemas|service|docs|tests|testimages|benchmarks|examples"
    named = set(re.findall(rf"`((?:{folders})/[\w/.]*)`", TEXTS[page]))
    example = {"processors/operations/screens.py"}
    assert [name for name in sorted(named - example) if not (ROOT / name).exists()] == []


def test_the_two_forms_of_an_operation_in_the_table_are_the_same() -> None:
    rows = re.findall(r'^\| (`".*) \| `(\{.*\})` \|$', TEXTS["docs/batches.md"], re.MULTILINE)
    assert len(rows) > 5
    for texts, form in rows:
        wanted = registry().parse(json.loads(form))
        for text in re.findall(r'`(".*?")`(?: or |$)', texts):
            assert registry().parse(json.loads(text)) == wanted


@pytest.mark.parametrize(("page", "text"), blocks("json"))
def test_json_is_well_formed(page: str, text: str) -> None:
    assert json.loads(text), page


def test_commands_of_make_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)(?=`|\s+#)", ALL_TEXT))
    assert {"run", "test", "docs"} <= named
    assert [name for name in sorted(named) if f"\n{name}:" not in makefile] == []
