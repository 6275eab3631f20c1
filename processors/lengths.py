"""Lengths in pixels or in percent of a side."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)%")


def _checked(value: int | str) -> int | str:
    if isinstance(value, str) and value.isdigit() and len(value) <= 6:
        return int(value)
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        raise ValueError("write pixels, 200, or percent of the side, 50%")
    return value


Length = Annotated[
    int | str,
    Field(union_mode="left_to_right"),
    AfterValidator(_checked),
]
"""Pixels as a number, or text with a percent sign: 200, "50%". A field adds `ge` by itself."""


def pixels(length: int | str, side: int) -> int:
    """`length` along a side of `side` pixels, rounded to whole ones."""
    if isinstance(length, int):
        return length
    return round(float(length.removesuffix("%")) / 100 * side)
