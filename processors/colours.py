"""Colours as parameters."""

from pydantic_extra_types.color import Color

__all__ = ["Color", "bgr"]


def bgr(color: Color) -> tuple[int, int, int]:
    """Blue, green and red from 0 to 255; an alpha is left out."""
    red, green, blue = color.as_rgb_tuple(alpha=False)[:3]
    return blue, green, red
