"""Changing the values of colours, one by one, and leaving alpha alone."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import colour_of, full_scale
from processors.operation import Image, channels_of

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def on_colour(image: Image, changed: Callable[[Image], Image]) -> Image:
    """`changed` of the gray or the three colour channels; an alpha stays as it is.

    `changed` gets (H, W) or (H, W, 3) and gives the same number of channels, or one.
    """
    if channels_of(image) != 4:
        return changed(image)
    result = changed(colour_of(image))
    colour = cv2.cvtColor(result, cv2.COLOR_GRAY2BGR) if result.ndim == 2 else result
    return np.dstack([colour, image[..., 3]])  # type: ignore[return-value]


def through_curve(image: Image, curve: Curve) -> Image:
    """Each colour value v, as v / white, becomes curve(v / white) * white, rounded and limited.

    One table look-up a value, 256 or 65536 entries: as fast for any curve. Alpha stays.
    """
    white = full_scale(image)
    values = curve(np.arange(white + 1) / white) * white
    table = np.clip(np.rint(values), 0, white).astype(image.dtype)
    return on_colour(image, lambda colour: _looked_up(colour, table))


def _looked_up(colour: Image, table: NDArray[Any]) -> Image:
    if colour.dtype == np.uint8:
        return cv2.LUT(colour, table)  # type: ignore[return-value]
    return table[colour]
