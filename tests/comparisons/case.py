"""What a comparison is made of."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from processors.alpha import full_scale
from processors.operation import Image
from processors.registry import registry

Values = NDArray[Any]
Reference = Callable[[Values], Any]
"""The picture, (H, W) or (H, W, 3) RGB, or RGBA, to the values that the other library gives."""

EXACT = 0.0
"""Whole numbers on both sides, by the same rule."""

ROUNDED = 0.51
"""The reference is not rounded; half a level, and what floating point leaves."""

ONE_LEVEL = 1.01
"""Both round, each in its own way: some truncate, some round in between or to even."""

TWO_LEVELS = 2.01
"""Both round more than once on the way."""


class Case(NamedTuple):
    """A use and the same by another library; differences are in levels of 8 bits.

    `most` is the tolerance for every pixel, `mean` that for their mean. `margin` is the width in
    pixels of the sides that are not compared: beyond the image others see other values. `channels`
    and `depths` say on which pictures.
    """

    use: str
    library: str
    reference: Reference
    most: float
    mean: float = 255
    margin: int = 0
    channels: tuple[int, ...] = (1, 3)
    depths: tuple[int, ...] = (8,)

    @property
    def operation(self) -> str:
        return registry().parse(self.use).op


def in_rgb(image: Image) -> Values:
    """OpenCV's order of channels to that of all others, and back."""
    if image.ndim == 2:
        return image
    order = [2, 1, 0, 3][: image.shape[2]]
    return np.ascontiguousarray(image[..., order])


def applied(use: str, rgb: Values) -> Values:
    """What the use makes of a picture in RGB, in RGB."""
    return in_rgb(registry().parse(use).apply(in_rgb(rgb)))  # type: ignore[arg-type]


def differences(case: Case, rgb: Values) -> Values:
    """Of each value of the picture, less the margin, in levels of 8 bits."""
    found, expected = applied(case.use, rgb), np.asarray(case.reference(rgb), float)
    assert found.shape == expected.shape
    white = full_scale(rgb)
    found_levels = np.abs(found - np.clip(expected, 0, white)) * (255 / white)
    inner = slice(case.margin, -case.margin or None)
    return found_levels[inner, inner]


def pillow(work: Callable[[Pillow.Image], Pillow.Image]) -> Reference:
    """A reference by Pillow."""
    return lambda rgb: np.asarray(work(Pillow.fromarray(rgb)))


def each_channel(work: Callable[[Values], Any]) -> Reference:
    """A reference for one channel (H, W), given as floats, on each of them."""

    def on_all(rgb: Values) -> Any:
        if rgb.ndim == 2:
            return work(rgb.astype(float))
        return np.dstack([work(rgb[..., at].astype(float)) for at in range(rgb.shape[2])])

    return on_all
