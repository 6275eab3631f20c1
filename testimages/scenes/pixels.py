"""The arrays that pictures are made of: their types, conversions, blends and filled outlines.

Whatever is computed is float32; results are rounded to uint8 when they are laid on a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[float, float, float]

SHIFT = 4  # cv2 draws at sub-pixel positions given as fixed point, here in sixteenths


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


def fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Pixel positions, of any shape, as the fixed point that cv2 draws with."""
    near = np.clip(floats(points), -30000, 30000)  # cv2 overflows on what is far outside
    return np.asarray(np.round(near * 2**SHIFT), dtype=np.int32)


def fill(target: Image, points: ArrayLike, colour: Sequence[float]) -> None:
    """Fill the outline (N, 2) pixels in `target` (H, W[, 3]) uint8, anti-aliased."""
    cv2.fillPoly(target, [fixed(points)], tuple(colour), cv2.LINE_AA, SHIFT)


def fill_convex(target: Image, outline: NDArray[np.int32], colour: Sequence[float]) -> None:
    """Fill a convex outline (N, 2) of `fixed` points; for the many small ones."""
    cv2.fillConvexPoly(target, outline, colour, cv2.LINE_AA, SHIFT)
