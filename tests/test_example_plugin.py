"""The plugin of docs/extending.md, installed as users install it, is everywhere operations are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.live import environment
from tests.pages import ROOT, block_of
from tests.samples import photograph

PACKAGE = ROOT / "docs" / "example_plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed into it, from a copy, without a network."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PACKAGE, folder / "source")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    target = folder / "site"
    command = ["pip", "install", *options, "--target", str(target), str(folder / "source")]
    _run(command, {})
    return target


def python(site: Path, *arguments: object) -> str:
    """What Python prints, with the plugin on its path."""
    return _run([*map(str, arguments)], {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"})


def _run(module: list[str], more: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *(["-m"] if module[0] == "pip" else []), *module],
        cwd=ROOT,
        env={**environment(workers=1), "COLUMNS": "200", **more},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("language", "file"), [("python", "darkroom_screens.py"), ("toml", "pyproject.toml")]
)
def test_the_guide_shows_the_package_as_it_is(language: str, file: str) -> None:
    shown = block_of("docs/extending.md", language)
    assert shown == (PACKAGE / file).read_text(encoding="utf-8")


_USE_IT = """\
import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from main import app
client = TestClient(app)
answer = client.post("/v1/process?operations=scanlines=0.4", content=Path(sys.argv[1]).read_bytes())
Path(sys.argv[2]).write_bytes(answer.content)
schemas = client.get("/openapi.json").json()["components"]["schemas"]
print(json.dumps([client.get("/v1/operations").json(), schemas]))
"""


Answers = tuple[list[dict[str, Any]], dict[str, Any], Path]


@pytest.fixture(scope="module")
def answers(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """The catalogue, the schemas, and a folder with an image before and after."""
    folder = tmp_path_factory.mktemp("images")
    cv2.imwrite(str(folder / "in.png"), photograph(64, 48))
    printed = python(site, "-c", _USE_IT, folder / "in.png", folder / "out.png")
    return *json.loads(printed), folder


def test_the_api_lists_it(answers: Answers) -> None:
    (entry,) = [entry for entry in answers[0] if entry["name"] == "scanlines"]
    assert entry["family"] == "screens"
    assert entry["parameters"]["properties"]["strength"]["maximum"] == 1


def test_the_openapi_schema_has_it(answers: Answers) -> None:
    assert answers[1]["Scanlines"]["properties"]["op"]["const"] == "scanlines"


def test_it_runs_on_an_image(answers: Answers) -> None:
    before = photograph(64, 48)
    after = cv2.imread(str(answers[2] / "out.png"))
    assert after is not None
    assert np.array_equal(after[1::2], before[1::2])
    assert np.array_equal(after[::2], (before[::2] * 0.6).astype(np.uint8))


def test_the_command_line_shows_it(site: Path) -> None:
    shown = python(site, "main.py", "operations", "scanlines")
    assert "scanlines (screens)" in shown
    assert "0 changes nothing, 1 gives black rows." in shown


def test_the_reference_has_it(site: Path) -> None:
    page = python(site, "-m", "docs.operations_reference")
    section = page.partition("\n### scanlines\n")[2]
    assert section.startswith("\nDarken every second row, as an old screen does.")
    assert '`"scanlines=0.4"`' in section
    assert "| `strength` | number, 0 to 1 | `0.5` |" in section


def test_without_it_nothing_has_it() -> None:
    assert "scanlines" not in python(Path(), "main.py", "operations", "--json")
