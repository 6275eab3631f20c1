"""The reference of the settings, made from the models: `docs/settings.md` and `.env.example`.

`python -m service.settings_reference` writes both; a test fails when they are out of date.
"""

import inspect
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from service.settings import Variable, parts, variables
from service.units import DefaultText, Unit

ROOT = Path(__file__).parent.parent
MARKDOWN_FILE = ROOT / "docs" / "settings.md"
EXAMPLE_FILE = ROOT / ".env.example"

_INTRODUCTION = """\
# Settings

Darkroom is set up by environment variables, or by a file `.env` in the working directory; the
environment wins. An empty value means that the variable is not set. A wrong value, or a variable
whose name starts with `DARKROOM_` and is not listed here, stops the start with a message that names
it; names that start with `DARKROOM_TEST_` are left to the tests.

This page is written by `make docs`.
"""

_EXAMPLE_HEAD = """\
# Darkroom's settings: copy this file to .env and take the "# " off the lines to change.
# The values are the defaults; docs/settings.md says more. An empty value means not set.
# This file is written by `make docs`.
"""


def settings_markdown() -> str:
    """The page `docs/settings.md`: one table for each part."""
    sections = [_INTRODUCTION]
    for name, part in parts().items():
        rows = [_row(variable) for variable in variables(part)]
        head = f"## {name.capitalize()}\n\n{inspect.getdoc(part)}\n"
        table = "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])
        sections.append(f"{head}\n{table}\n")
    return "\n".join(sections)


def env_example() -> str:
    """The file `.env.example`: each variable commented out, with its default."""
    sections = [_EXAMPLE_HEAD]
    for name, part in parts().items():
        lines = [line for variable in variables(part) for line in _example(variable)]
        sections.append("\n".join([f"# --- {name} ---", *lines]) + "\n")
    return "\n".join(sections)


def default_value(variable: Variable) -> str:
    """The default as it is written in the environment; empty when unset or computed."""
    value = variable.info.default
    if variable.info.default_factory is not None or value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, SecretStr):
        return value.get_secret_value()  # what everybody can read here is none
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    units = [item for item in variable.info.metadata if isinstance(item, Unit)]
    return units[-1].render(value) if units else str(value)


def _row(variable: Variable) -> str:
    value = default_value(variable)
    default = f"`{value}`" if value else _computed(variable) or "not set"
    return f"| `{variable.name}` | {default} | {_meaning(variable)} |"


def _example(variable: Variable) -> list[str]:
    computed = _computed(variable)
    note = f" Default: {computed}." if computed else ""
    return [f"# {_meaning(variable)}{note}", f"# {variable.name}={default_value(variable)}"]


def _meaning(variable: Variable) -> str:
    return f"{variable.info.description} Takes {variable.allowed}."


def _computed(variable: Variable) -> str:
    texts = [item.text for item in variable.info.metadata if isinstance(item, DefaultText)]
    return texts[-1] if texts else ""


def main() -> None:
    """Write both files."""
    MARKDOWN_FILE.write_text(settings_markdown(), encoding="utf-8")
    EXAMPLE_FILE.write_text(env_example(), encoding="utf-8")


if __name__ == "__main__":
    main()
