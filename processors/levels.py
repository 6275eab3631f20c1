"""Changing the values of colours, one by one, and leaving alpha alone."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import alpha_of, colour_of, full_scale, joined
from processors.operation import Image, channels_of

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def on_colour(image: Image, changed: Callable[[Image], Image]) -> Image:
    """`changed` of the gray or the three colour channels; an alpha stays as it is.

    `changed` gets (H, W) or (H, W, 3) and gives the same number of channels, or one.
    """
    if channels_of(image) != 4:
        return changed(image)
    return joined(changed(colour_of(image)), alpha_of(image))


def through_curve(image: Image, curve: Curve) -> Image:
    """Each colour value v, as v / white, becomes curve(v / white) * white, rounded and limited.

    One table look-up a value, 256 or 65536 entries: as fast for any curve. Alpha stays.
    """
    white = full_scale(image)
    values = curve(np.arange(white + 1) / white) * white
    table = np.clip(np.rint(values), 0, white).astype(image.dtype)
    return on_colour(image, lambda colour: cv2.LUT(colour, table))  # type: ignore[arg-type,return-value]
