"""The catalogue of operations: names, aliases, what is said of unknown ones, plugins."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from processors.errors import DuplicateOperation, InvalidArguments, UnknownOperation
from processors.operation import Image, Operation
from processors.operations.cropping import Split
from processors.operations.filters import Blur
from processors.registry import ENTRY_POINT_GROUP, Registry, registry

INVERT = '''
from typing import ClassVar, Literal
import cv2
from processors.operation import Operation

class Invert(Operation):
    """Swap dark and bright."""
    op: Literal["{name}"] = "{name}"
    aliases: ClassVar = {aliases}
    example: ClassVar = "{name}"
    def apply(self, image):
        return cv2.bitwise_not(image)
'''

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a plugin as pip does: a module, and a dist-info with its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def install(name: str, source: str, target: str) -> None:
        module = f"darkroom_{name}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        entry = f"[{ENTRY_POINT_GROUP}]\n{name} = {module}{target}\n"
        (info / "entry_points.txt").write_text(entry)
        registry.cache_clear()

    yield install
    registry.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def invert(name: str = "opposite", aliases: tuple[str, ...] = ()) -> str:
    return INVERT.format(name=name, aliases=aliases)


def names() -> list[str]:
    return [operation.name() for operation in registry()]


# --- names -------------------------------------------------------------------------------------


def test_the_first_operations_are_there() -> None:
    expected = {"resize", "split", "blur", "grayscale", "crop", "rotate", "flip"}
    assert expected <= set(names())


def test_an_operation_knows_its_family() -> None:
    assert registry().family(Blur) == "filters"


def test_an_alias_stands_for_its_operation() -> None:
    assert registry().get("splitQuadrants") is Split
    assert registry().parse({"op": "splitQuadrants", "rows": 3}) == Split(rows=3)


def test_an_operation_is_read_as_itself() -> None:
    assert registry().parse(Blur(kernel_size=7)) == Blur(kernel_size=7)


def test_an_unknown_name_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownOperation, match="no operation 'rezise'; did you mean 'resize'"):
        registry().parse("rezise=2")


def test_an_alias_may_be_the_nearest_name() -> None:
    with pytest.raises(UnknownOperation, match="did you mean 'splitQuadrants'"):
        registry().parse("splitQuadrant=True")


def test_a_name_like_no_other_comes_with_where_to_look() -> None:
    with pytest.raises(UnknownOperation, match="GET /v1/operations lists them"):
        registry().parse("xyz")


def test_a_long_unknown_name_is_cut_in_the_message() -> None:
    with pytest.raises(UnknownOperation) as refused:
        registry().parse("z" * 100_000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", [None, 5, [], {}, {"op": 5}, {"factor": 0.5}, b"resize=1"])
def test_what_is_neither_text_nor_an_object_with_op_is_refused(value: object) -> None:
    with pytest.raises(InvalidArguments, match="write it as text"):
        registry().parse(value)


def test_two_catalogues_do_not_share_operations() -> None:
    own = Registry()
    own.add(Blur, "filters")
    assert list(own) == [Blur]


class Softer(Operation):
    """An operation whose alias is another's name."""

    op: Literal["softer"] = "softer"
    aliases = ("blur",)

    def apply(self, image: Image) -> Image:
        return image


@pytest.mark.parametrize(("first", "second"), [(Blur, Blur), (Blur, Softer), (Softer, Blur)])
def test_a_name_or_alias_is_taken_once(first: type[Operation], second: type[Operation]) -> None:
    own = Registry()
    own.add(first, "first")
    with pytest.raises(DuplicateOperation, match="'blur'"):
        own.add(second, "second")
    assert list(own) == [first]


# --- plugins -----------------------------------------------------------------------------------


def test_without_plugins_there_are_no_problems() -> None:
    assert registry().problems == []


def test_a_plugin_that_names_a_class_is_found(install: Install) -> None:
    install("inverter", invert(), ":Invert")
    assert registry().parse("opposite").op == "opposite"
    assert registry().family(registry().get("opposite")) == "inverter"
    assert registry().problems == []


def test_a_plugin_that_names_a_module_brings_all_its_operations(install: Install) -> None:
    install("pair", invert("first") + invert("second").replace("class Invert", "class Second"), "")
    assert {"first", "second"} <= set(names())
    assert registry().problems == []


BROKEN = {
    "it fails to import": ("raise RuntimeError('no camera')", ":Invert", "RuntimeError: no camera"),
    "it is not there": ("", ":Invert", "Invert"),
    "it exits": ("raise SystemExit(3)", ":Invert", "SystemExit"),
    "it is a function": ("def f(): ...", ":f", "Operation"),
    "it is another class": ("class f: ...", ":f", "Operation"),
    "it is an instance": (invert() + "f = Invert()", ":f", "Operation"),
    "its name is taken": (invert("blur"), ":Invert", "'blur' of Invert is taken by Blur"),
    "its alias is taken": (invert(aliases=("crop",)), ":Invert", "'crop' of Invert is taken"),
}


@pytest.mark.parametrize(("source", "target", "detail"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_reported_by_name_and_the_rest_is_there(
    install: Install, source: str, target: str, detail: str
) -> None:
    before = names()
    install("broken", source, target)
    install("sound", invert("sound"), ":Invert")
    assert names() == [*before, "sound"]
    (problem,) = registry().problems
    assert problem.plugin == "broken"
    assert detail in problem.detail
