"""How much memory there is, with control groups as containers have them."""

from pathlib import Path

import pytest

from service.machine import usable_memory
from service.settings import load_settings

LIMIT = 64 << 20


def limited(groups: Path, folder: str, name: str, value: str) -> None:
    (groups / folder).mkdir(parents=True, exist_ok=True)
    (groups / folder / name).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("own", "folder", "name"),
    [
        ("0::/\n", "", "memory.max"),
        ("0::/a.slice/b.scope\n", "a.slice/b.scope", "memory.max"),
        ("0::/a.slice/b.scope\n", "a.slice", "memory.max"),
        ("5:cpu:/x\n4:memory:/b\n", "memory/b", "memory.limit_in_bytes"),
        ("4:memory:/seen/from/outside\n", "memory", "memory.limit_in_bytes"),
    ],
)
def test_the_limit_of_a_control_group_counts(
    tmp_path: Path, own: str, folder: str, name: str
) -> None:
    (tmp_path / "own").write_text(own)
    limited(tmp_path / "groups", folder, name, str(LIMIT))
    assert usable_memory(tmp_path / "groups", tmp_path / "own") == LIMIT


def test_the_smallest_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/a/b\n")
    for folder, value in (("a/b", 2 * LIMIT), ("a", LIMIT), ("other", 1)):
        limited(tmp_path / "groups", folder, "memory.max", str(value))
    assert usable_memory(tmp_path / "groups", tmp_path / "own") == LIMIT


def test_without_a_limit_it_is_the_memory_of_the_machine(tmp_path: Path) -> None:
    machine = usable_memory(tmp_path, tmp_path / "none")
    (tmp_path / "own").write_text("0::/\n")
    limited(tmp_path / "groups", "", "memory.max", "max")
    assert usable_memory(tmp_path / "groups", tmp_path / "own") == machine > LIMIT


def test_half_of_it_is_for_images() -> None:
    assert load_settings().engine.memory_budget == usable_memory() // 2
