"""Where a rectangle stands in another one."""

from typing import Literal

from processors.operation import Size

Gravity = Literal[
    "center",
    "north",
    "south",
    "east",
    "west",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
]
"""The middle, or the middle of a side, or a corner; north is the top, west the left."""


def placed(
    outer: Size, inner: Size, gravity: Gravity, offset: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """x and y in pixels of the upper left corner of `inner` in `outer`, where `gravity` puts it.

    `offset` (x, y) moves it inwards from a side, and right or down from the middle. Of an odd
    remainder the smaller half is left or above. Where `inner` is larger, x or y is below 0.
    """
    return (
        _along(outer.width - inner.width, offset[0], "west" in gravity, "east" in gravity),
        _along(outer.height - inner.height, offset[1], "north" in gravity, "south" in gravity),
    )


def _along(remainder: int, offset: int, at_start: bool, at_end: bool) -> int:
    if at_start:
        return offset
    return remainder - offset if at_end else remainder // 2 + offset
