"""Operations that cut off what shows nothing."""

import math
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from processors.alpha import colour_of, full_scale
from processors.colours import Color, bgr
from processors.neighbours import contiguous, level
from processors.operation import Image, Operation, channels_of
from processors.resample import border_value

Levels = tuple[int, ...]
"""The values of a pixel's channels."""


class Trim(Operation):
    """Cut off a border of one colour.

    A pixel is border when each of its channels is within the tolerance of the colour, alpha too;
    colours are compared weighted by alpha, so that all that is transparent is one colour. The
    smallest rectangle that holds all other pixels stays; an image that is all border stays as it
    is. For gray images the colour is turned gray; 16-bit images stay what they are.
    """

    op: Literal["trim"] = "trim"
    tolerance: float = Field(
        10, ge=0, le=255, description="Largest difference, in levels of 8 bits."
    )
    color: Color | None = Field(
        None, description="Colour of the border; by default that of the top left pixel."
    )

    example: ClassVar = "trim=10"
    predictable: ClassVar[bool] = False

    def apply(self, image: Image) -> Image:
        if channels_of(image) != 4 and self._transparency() > self.tolerance:
            return image
        border = self._border(*_compared(image, self._colour(image)))
        rows = np.flatnonzero(border.min(axis=1) == 0)
        columns = np.flatnonzero(border.min(axis=0) == 0)
        if not rows.size:
            return image
        return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    def _transparency(self) -> float:
        """Of the colour, in levels of 8 bits."""
        return 0 if self.color is None else 255 * (1 - _alpha(self.color))

    def _colour(self, image: Image) -> Levels:
        if self.color is None:
            return _levels(_weighted(image[:1, :1])[0, 0])
        return _colour(self.color, image)

    def _border(self, pixels: Image, colour: Levels) -> NDArray[np.uint8]:
        """(H, W): 255 where a pixel has `colour`, 0 elsewhere."""
        tolerance, white = self.tolerance * level(pixels), full_scale(pixels)
        least = tuple(max(0, math.ceil(value - tolerance)) for value in colour)
        most = tuple(min(white, math.floor(value + tolerance)) for value in colour)
        return cv2.inRange(pixels, least, most)  # type: ignore[return-value]


def _compared(image: Image, colour: Levels) -> tuple[Image, Levels]:
    """The channels that tell where `colour` is, and their values.

    Where it is transparent, alpha is enough: no weighted colour is above it.
    """
    if channels_of(image) == 4 and colour[3] == 0:
        return cv2.extractChannel(contiguous(image), 3), (0,)  # type: ignore[return-value]
    return _weighted(image), colour


def _weighted(image: Image) -> Image:
    """The colour weighted by alpha, and alpha."""
    image = contiguous(image)
    if channels_of(image) != 4 or cv2.extractChannel(image, 3).min() == full_scale(image):
        return image
    weight = cv2.cvtColor(image[..., 3], cv2.COLOR_GRAY2BGR)
    colour = cv2.multiply(colour_of(image), weight, scale=1 / full_scale(image))
    return np.dstack([colour, image[..., 3]])  # type: ignore[return-value]


def _colour(color: Color, image: Image) -> Levels:
    """`color` in the channels and depth of `image`, weighted by its alpha."""
    if channels_of(image) != 4:
        return _levels(np.array(border_value(bgr(color), image)))
    weight = _alpha(color) * level(image)
    return tuple(round(value * weight) for value in (*bgr(color), 255))


def _alpha(color: Color) -> float:
    """From 0 to 1."""
    rgba: tuple[float, ...] = color.as_rgb_tuple(alpha=True)
    return rgba[3]


def _levels(pixel: NDArray[Any]) -> Levels:
    return tuple(int(value) for value in np.atleast_1d(pixel))
