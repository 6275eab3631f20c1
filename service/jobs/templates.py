"""Output paths with placeholders."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from string import Formatter

from service.remote.urls import split_scheme

PLACEHOLDERS = {
    "stem": "name of the input without its extension",
    "name": "name of the input",
    "parent": "folder of the input, as it was given; of a URL without its scheme, but at the start",
    "ext": "extension of the input, without the dot",
    "index": "number of the input, from 0, as in the results; {index:04} fills up with zeros",
    "width": "width of the result in pixels; {width:05} fills up with zeros",
    "height": "height of the result in pixels",
}
OPEN = frozenset(("width", "height"))
"""Those that are known when the result is."""

_MOST_DIGITS = 20
_SPEC = re.compile(r"0?[0-9]{0,2}")


class TemplateError(ValueError):
    """A template that cannot be used; `str(error)` is fit for the user."""


class Template:
    """An output path in which parts of the input's path, or the result's size, are filled in.

    Raises TemplateError for what is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._parts = list(_parts(text))
        except TemplateError:
            raise
        except ValueError as error:
            raise TemplateError(
                f"{text!r}: {error}; a brace that is meant is written twice"
            ) from None
        self.fields = frozenset(field for _, field, _ in self._parts if field is not None)
        if OPEN & _in_folders(self._parts):
            raise TemplateError(f"{text!r}: width and height belong to the name, not to a folder")

    @property
    def is_open(self) -> bool:
        """Whether something is left open until the result is there."""
        return bool(self.fields & OPEN)

    def fill(self, path: str, index: int, escaped: bool) -> str:
        """The output for the input `path`.

        It is text for `str.format` with `width` and `height` when it is `escaped`.
        """
        scheme, rest = split_scheme(path)
        pure = PurePath(rest)
        values = {
            "stem": pure.stem,
            "name": pure.name,
            "parent": str(pure.parent),
            "ext": pure.suffix[1:],
            "index": index,
        }
        filled: list[str] = []
        for literal, field, spec in self._parts:
            if field == "parent" and not any((*filled, literal)):
                filled.append(scheme)  # beside the input, also where that is a URL
            filled.append(_escaped(literal) if escaped else literal)
            if field in OPEN:
                filled.append(f"{{{field}:{spec}}}" if spec else f"{{{field}}}")
            elif field is not None:
                value = format(values[field], spec)
                filled.append(_escaped(value) if escaped else value)
        return "".join(filled)


def literal(path: str, escaped: bool) -> str:
    """A path that is no template, in the form that `Template.fill` gives."""
    return _escaped(path) if escaped else path


def _parts(text: str) -> Iterator[tuple[str, str | None, str]]:
    for literal, field, spec, conversion in Formatter().parse(text):
        if field is not None:
            _check(text, field, spec or "", conversion)
        yield literal, field, spec or ""


def _check(text: str, field: str, spec: str, conversion: str | None) -> None:
    if field not in PLACEHOLDERS or conversion:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise TemplateError(f"{text!r}: unknown placeholder {{{field}}}; known are {known}")
    number = field in OPEN or field == "index"
    if spec and not (number and _SPEC.fullmatch(spec) and int(spec) <= _MOST_DIGITS):
        raise TemplateError(
            f"{text!r}: {spec!r} behind {{{field}}} is no count of digits, such as {{index:04}}"
        )


def _in_folders(parts: Sequence[tuple[str, str | None, str]]) -> frozenset[str | None]:
    """The fields before the last slash."""
    last = max((at for at, (literal, _, _) in enumerate(parts) if "/" in literal), default=0)
    return frozenset(field for _, field, _ in parts[:last])


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
