"""How often each value is there, of what can be seen."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale
from processors.operation import Image, channels_of

Mask = NDArray[np.uint8]


def seen(image: Image) -> Mask | None:
    """255 where `image` is not wholly transparent; None where it has no alpha."""
    if channels_of(image) != 4:
        return None
    return (image[..., 3] > 0).astype(np.uint8) * np.uint8(255)


def histogram(channel: Image, mask: Mask | None) -> NDArray[np.float64]:
    """How many pixels (H, W) have each value from black to white, where `mask` is set."""
    values = full_scale(channel) + 1
    plain: Any = np.ascontiguousarray(channel)
    return cv2.calcHist([plain], [0], mask, [values], [0, values]).ravel().astype(np.float64)
