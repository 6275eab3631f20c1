"""From `--input` patterns and an `--output` template to pairs of paths."""

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from string import Formatter

from service.remote.urls import Url, is_url, parse_root, shown, split_scheme

PLACEHOLDERS = {
    "stem": "name of the input without its extension",
    "name": "name of the input",
    "parent": "folder of the input, as it was given",
    "ext": "extension of the input, without the dot",
    "index": "number of the input, from 0, as in the results; {index:04} fills up with zeros",
}

_WILDCARD = re.compile(r"[*?\[]")


class PatternError(ValueError):
    """A pattern or template that cannot be used; `str(error)` is fit for the user."""


def expand(patterns: Iterable[str], find_remote: Callable[[str], list[str]]) -> list[str]:
    """The files that match: pattern by pattern, sorted, each once. Raises PatternError.

    `find_remote` does it for a pattern that is a URL.
    """
    found = (find_remote(one) if is_url(one) else _matches(one) for one in patterns)
    return list(dict.fromkeys(path for paths in found for path in paths))


def folder_of(pattern: str) -> Path | Url:
    """The folder that a pattern names, above its first wildcard. Raises PatternError."""
    if is_url(pattern):
        return _root_above(pattern, _WILDCARD)
    path = Path(os.path.expanduser(pattern))  # noqa: PTH111 - a path may be no home's
    if path.is_file():
        return path.parent
    return _above(path, _WILDCARD)


class Template:
    """An output path with placeholders. Raises PatternError for one that is not known."""

    def __init__(self, text: str) -> None:
        self._text = os.path.expanduser(text)  # noqa: PTH111
        # As `cp` does: a folder takes files under their own names.
        if text.endswith("/") or Path(self._text).is_dir():
            self._text = os.path.join(self._text, "{name}")
        self._check(text)

    @property
    def is_fixed(self) -> bool:
        """Whether it gives each input the same output."""
        return not any(_fields(self._text))

    def fill(self, path: str, index: int) -> str:
        """The output for the input at `path`."""
        scheme, rest = split_scheme(path)
        pure = PurePath(rest)
        # Beside the input, also where that is a URL.
        start = scheme if self._text.startswith("{parent}") else ""
        return start + self._text.format(
            stem=pure.stem,
            name=pure.name,
            parent=pure.parent,
            ext=pure.suffix[1:],
            index=index,
        )

    def folders(self, inputs: Iterable[Path | Url]) -> list[Path | Url]:
        """The folders that it names: its own, or those of the inputs when it starts there.

        Raises PatternError.
        """
        if self._text.startswith("{parent}"):
            return [one for one in inputs if isinstance(one, Path) or not one.is_web]
        if is_url(self._text):
            return [_root_above(self._text, re.compile(r"[{]"))]
        return [_above(Path(self._text), re.compile(r"[{]"))]

    def _check(self, text: str) -> None:
        try:
            for field, conversion in _fields(self._text):
                if field not in PLACEHOLDERS or conversion:
                    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                    raise PatternError(
                        f"--output {text!r}: unknown placeholder {{{field}}}; known are {known}"
                    )
            self.fill("folder/name.jpg", 0)
        except PatternError:
            raise
        except ValueError as error:
            raise PatternError(
                f"--output {text!r}: {error}; a brace that is meant is written twice"
            ) from None


def _fields(template: str) -> Iterator[tuple[str, str | None]]:
    for _, field, _, conversion in Formatter().parse(template):
        if field is not None:
            yield field, conversion


def _matches(pattern: str) -> list[str]:
    expanded = os.path.expanduser(pattern)  # noqa: PTH111
    if Path(expanded).is_file():  # also where its name has a wildcard's characters
        return [expanded]
    found = sorted(path for path in glob.glob(expanded, recursive=True) if Path(path).is_file())  # noqa: PTH207
    if not found:
        folder = Path(expanded).is_dir()
        hint = f"; it is a folder, write {os.path.join(pattern, '*')!r}" if folder else ""
        raise PatternError(f"--input {pattern!r}: no file matches{hint}")
    return found


def _root_above(url: str, mark: re.Pattern[str]) -> Url:
    """The root above the first part with `mark`, or above the last part. Raises PatternError."""
    scheme, rest = split_scheme(url)
    bucket, *parts = rest.split("/")
    fixed = next((at for at, part in enumerate(parts) if mark.search(part)), len(parts) - 1)
    try:
        return parse_root(scheme + "/".join([bucket, *parts[: max(fixed, 0)]]))
    except ValueError as error:
        raise PatternError(f"{shown(url)!r}: {error}") from None


def _above(path: Path, mark: re.Pattern[str]) -> Path:
    """The folder above the first part with `mark`, or above the last part."""
    folder = Path()
    for part in path.parts[:-1]:
        if mark.search(part):
            break
        folder /= part
    return folder
