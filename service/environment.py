"""The variables of the service as they were given: in the environment, and in `.env`."""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

PREFIX = "DARKROOM_"
TEST_PREFIX = "DARKROOM_TEST_"
ENV_FILE = ".env"
ENV_ENCODING = "utf-8"


class SettingsError(Exception):
    """The settings do not allow a start; `str(error)` has one line for each wrong variable."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


def given_variables() -> dict[str, str]:
    """Our variables as they were written, by upper-case name; empty means unset."""
    found = {**_env_file(), **{name: value for name, value in os.environ.items() if value}}
    return {name.upper(): value for name, value in found.items() if _is_ours(name)}


def _env_file() -> dict[str, str]:
    path = Path(ENV_FILE)
    if not path.is_file():
        return {}
    try:
        with path.open(encoding=ENV_ENCODING) as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read: {error}") from None
    for binding in bindings:
        # The line is not shown: it may hold a secret.
        if binding.error and PREFIX in binding.original.string.upper():
            raise SettingsError(f"{ENV_FILE}, line {binding.original.line}: not NAME=value")
    return {item.key: item.value for item in bindings if item.key and item.value}


def unknown_variables(given: Mapping[str, Any], known: Sequence[str]) -> Iterator[str]:
    """One line for each variable that no setting has the name of, with the nearest name."""
    for name in sorted(given.keys() - set(known)):
        # Without the prefix, which would make any two names alike.
        short = [item.removeprefix(PREFIX) for item in known]
        near = difflib.get_close_matches(name.removeprefix(PREFIX), short, n=1, cutoff=0.5)
        hint = (
            f"did you mean {PREFIX}{near[0]}?" if near else "docs/settings.md lists the known ones"
        )
        yield f"{name} is not a setting: {hint}"


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX) and not name.upper().startswith(TEST_PREFIX)
