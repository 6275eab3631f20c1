"""Where a smaller rectangle is put in a larger one."""

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


def placed(inner: Size, outer: Size, gravity: Gravity) -> tuple[int, int]:
    """Left and top of `inner` in `outer`, in pixels; negative where it is the larger one.

    Of an odd remainder the smaller half is to the left and at the top.
    """
    free = Size(outer.width - inner.width, outer.height - inner.height)
    return _along(free.width, gravity, "west", "east"), _along(
        free.height, gravity, "north", "south"
    )


def _along(free: int, gravity: Gravity, start: str, end: str) -> int:
    if start in gravity:
        return 0
    return free if end in gravity else free // 2
