"""The arrays that pictures are made of: their types, conversions and blends.

Whatever is computed is float32; results are rounded to uint8 when they are laid on a picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[float, float, float]


def floats(values: ArrayLike) -> Floats:
    """Any numbers as float32, of the same shape."""
    return np.asarray(values, dtype=np.float32)


def to_bytes(values: ArrayLike) -> Image:
    """Numbers of any shape as uint8, rounded and clipped to 0..255."""
    # convertScaleAbs rounds and saturates in one pass, but would turn -3 into 3.
    return np.asarray(cv2.convertScaleAbs(np.maximum(floats(values), 0)), dtype=np.uint8)


def mix(first: ArrayLike, second: ArrayLike, weight: ArrayLike) -> Floats:
    """Linear blend, float32, of arrays that broadcast; `weight` 1 gives `second`."""
    start = floats(first)
    return floats(start + (floats(second) - start) * floats(weight))


def blend(target: Image, layer: ArrayLike, alpha: ArrayLike) -> None:
    """Lay `layer` over `target` in place.

    target  (H, W, 3) uint8
    layer   a colour or (H, W, 3), 0..255
    alpha   (H, W) or (H, 1), 0..1
    """
    target[:] = to_bytes(mix(target, layer, floats(alpha)[..., None]))


def light(target: Image, gain: ArrayLike) -> None:
    """Multiply `target` (H, W, 3) uint8 in place.

    gain    (H, W) for all channels alike, or (H, W, 3); any side may be 1
    """
    gain = floats(gain)
    target[:] = to_bytes(target * (gain if gain.ndim == 3 else gain[..., None]))
