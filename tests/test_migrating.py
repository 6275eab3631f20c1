"""What docs/migrating.md gives for the calls of other systems is understood here."""

import json
import re

import pytest

from processors.encoding import EncodeOptions
from processors.registry import registry
from tests.pages import TEXTS

PAGE = TEXTS["docs/migrating.md"]
SYSTEMS = ["imaginary", "imgproxy", "thumbor", "sharp", "OpenCV"]
NO_OPERATION = {"no counterpart", "none needed"}
Row = tuple[str, str, str]


def rows(system: str) -> list[Row]:
    """Their call, ours, remarks, of the table of one system."""
    section = PAGE.partition(f"\n## {system}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" |")) for line in lines]
    assert cells[0] == (system, "Here", "Remarks")
    assert all(len(row) == 3 for row in cells), "a bar inside of a cell"
    return cells[2:]  # type: ignore[return-value]


ROWS = [row for system in SYSTEMS for row in rows(system)]
USES = [(theirs, use) for theirs, ours, _ in ROWS for use in re.findall(r"`([^`]+)`", ours)]


def test_each_system_has_its_table() -> None:
    assert [len(rows(system)) >= 20 for system in SYSTEMS] == [True] * len(SYSTEMS)


@pytest.mark.parametrize(("theirs", "ours", "remarks"), ROWS)
def test_a_call_has_operations_or_says_that_there_is_none(
    theirs: str, ours: str, remarks: str
) -> None:
    assert theirs.startswith("`")
    assert ours in NO_OPERATION or re.fullmatch(r"`[^`]+`( then `[^`]+`)*", ours)


@pytest.mark.parametrize(("theirs", "use"), USES)
def test_what_is_given_for_a_call_is_understood(theirs: str, use: str) -> None:
    if use.startswith("{"):
        EncodeOptions.model_validate(json.loads(use))
    else:
        assert registry().parse(use)


ALIASES = [
    (ours.split("`")[-2], name)
    for _, ours, remarks in ROWS
    for name in re.findall(r"^(?:`\w+` is an|An) alias of `(\w+)`", remarks)
]


def test_the_tables_name_aliases() -> None:
    assert len(ALIASES) >= 20


@pytest.mark.parametrize(("use", "name"), ALIASES)
def test_an_alias_is_of_the_operation_that_the_remark_names(use: str, name: str) -> None:
    operation = registry().get(name)
    assert use.partition("=")[0] in operation.aliases
    assert isinstance(registry().parse(use), operation)


IN_REMARKS = [use for *_, remarks in ROWS for use in re.findall(r"`(\w+=[^`]+)`", remarks)]


@pytest.mark.parametrize("use", IN_REMARKS)
def test_operations_and_parameters_in_remarks_are_understood(use: str) -> None:
    of_resize = use.startswith(("fit=", "enlarge="))
    assert registry().parse(f"resize=300x200,{use}" if of_resize else use)
