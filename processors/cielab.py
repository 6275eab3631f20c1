"""CIE L*a*b* (D65) of sRGB colours, in float32.

By way of linear light: OpenCV's direct conversion interpolates in a coarse table, and is wrong by
up to a level of 8 bits.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale
from processors.operation import Image

Floats = NDArray[np.float32]


def to_lab(colour: Image) -> Floats:
    """(H, W, 3): L* from 0 to 100, a* and b*, of BGR `colour`."""
    white = full_scale(colour)
    values = np.arange(white + 1) / white
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = linear.astype(np.float32)[colour]
    return cv2.cvtColor(light, cv2.COLOR_LBGR2Lab)  # type: ignore[return-value]


def from_lab(lab: Floats, white: int) -> NDArray[Any]:
    """(H, W, 3) BGR from 0 to `white`, whole numbers; what sRGB cannot show is limited."""
    light = np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2LBGR), 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    values: NDArray[Any] = np.clip(np.rint(encoded * white), 0, white)
    return values
