"""The documentation of the settings is what the models say."""

import os
from pathlib import Path

import pytest

from service.settings import Settings, Variable, load_settings, parts, variables
from service.settings_reference import (
    EXAMPLE_FILE,
    MARKDOWN_FILE,
    env_example,
    settings_markdown,
)

ALL = [variable for part in parts().values() for variable in variables(part)]
NAMES = [variable.name for variable in ALL]
OUTDATED = "run `python -m service.settings_reference`"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, and a working directory without an .env."""
    for name in list(os.environ):
        if name.upper().startswith("DARKROOM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_page_is_up_to_date() -> None:
    assert MARKDOWN_FILE.read_text(encoding="utf-8") == settings_markdown(), OUTDATED


def test_the_example_is_up_to_date() -> None:
    assert EXAMPLE_FILE.read_text(encoding="utf-8") == env_example(), OUTDATED


def test_every_part_of_the_settings_is_documented() -> None:
    assert list(parts()) == list(Settings.model_fields)


def test_no_two_parts_have_a_variable_of_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("variable", ALL, ids=NAMES)
def test_every_variable_says_what_it_means_and_takes(variable: Variable) -> None:
    assert variable.info.description
    assert variable.allowed


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_has_one_row_on_the_page(name: str) -> None:
    assert settings_markdown().count(f"| `{name}` |") == 1


def test_defaults_are_shown_as_people_write_them() -> None:
    page = settings_markdown()
    for row in (
        "| `DARKROOM_MAX_BODY` | `64MiB` |",
        "| `DARKROOM_MAX_PIXELS` | `50MP` |",
        "| `DARKROOM_WORKER_MEMORY` | `1.5GiB` |",
        "| `DARKROOM_TASK_TIMEOUT` | `30s` |",
        "| `DARKROOM_WRITE_ROOTS` | `testoutput,output` |",
        "| `DARKROOM_WORKERS` | the number of usable cores |",
        "| `DARKROOM_LOG_FILE` | not set |",
    ):
        assert row in page


def test_the_example_as_it_is_changes_nothing() -> None:
    defaults = load_settings()
    Path(".env").write_text(env_example(), encoding="utf-8")
    assert load_settings() == defaults


def test_the_example_with_every_line_uncommented_changes_nothing() -> None:
    defaults = load_settings()
    text = env_example().replace("# DARKROOM_", "DARKROOM_")
    assert sum(line.startswith("DARKROOM_") for line in text.splitlines()) == len(NAMES)
    Path(".env").write_text(text, encoding="utf-8")
    assert load_settings() == defaults
