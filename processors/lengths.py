"""Lengths along a side of an image, in pixels or as a part of that side."""

import re
from functools import partial
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

MAX_SIDE = 65_535
"""Pixels; the largest width and height that any of the formats can state."""

_PERCENT = re.compile(r"\d{1,3}(\.\d{1,6})?%", re.ASCII)
_WHOLE = re.compile(r"\d{1,5}", re.ASCII)


def pixels(length: int | str, whole: int) -> int:
    """`length` in pixels; a percentage is that of `whole` pixels, rounded."""
    if isinstance(length, int):
        return length
    return round(whole * float(length.removesuffix("%")) / 100)


def _read(value: Any, least: int) -> int | str:
    """`value` as a number of pixels from `least` on, or as the text of a percentage."""
    text = value.strip() if isinstance(value, str) else ""
    if _PERCENT.fullmatch(text) and float(text[:-1]) <= 100:
        return text
    if _WHOLE.fullmatch(text) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_SIDE:
        return value
    raise ValueError(f'give pixels, {least} to {MAX_SIDE}, or a part of the image up to "100%"')


def _schema(least: int) -> WithJsonSchema:
    whole = {"type": "integer", "minimum": least, "maximum": MAX_SIDE}
    return WithJsonSchema(
        {"anyOf": [whole, {"type": "string", "pattern": f"^{_PERCENT.pattern}$"}]}
    )


Offset = Annotated[int | str, PlainValidator(partial(_read, least=0)), _schema(0)]
"""A distance from 0 pixels on, or from "0%" to "100%"."""

Length = Annotated[int | str, PlainValidator(partial(_read, least=1)), _schema(1)]
"""A side, from 1 pixel on, or from "0%" to "100%"."""
