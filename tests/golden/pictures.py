"""The pictures of the golden images, in whole numbers: the same pixels on every machine.

OpenCV's cubic enlargement, which other pictures of the tests are made with, is not: it differs by a
level where Intel's IPP is missing, and an operation that decides by a level makes more of it.
"""

import numpy as np
from numpy.typing import NDArray

from processors.operation import Image

_PATCH = 16
"""Pixels from one colour to the next."""


def picture(width: int, height: int, channels: int, depth: int) -> Image:
    """(height, width[, channels]) uint8 or uint16: slopes, edges and fine noise.

    With four channels the alpha runs from clear to opaque. 16 bits are not merely 8 bits times 257.
    """
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (height // _PATCH + 2, width // _PATCH + 2, 3))
    levels = _enlarged(_enlarged(coarse)[:height].swapaxes(0, 1))[:width].swapaxes(0, 1)
    levels[height // 4 : height // 2, width // 4 : width // 2] = (240, 30, 60)
    levels = levels + rng.integers(-9, 10, levels.shape)
    values = np.clip(levels * 256 + rng.integers(0, 256, levels.shape), 0, 65535)
    if channels == 4:
        ramp = np.clip(np.arange(width) * 98304 // width - 16384, 0, 65535)
        values = np.dstack([values, np.tile(ramp, (height, 1))])
    chosen = values[..., 1] if channels == 1 else values
    return chosen.astype(np.uint16) if depth == 16 else (chosen // 256).astype(np.uint8)  # type: ignore[no-any-return]


def _enlarged(coarse: NDArray[np.int64]) -> NDArray[np.int64]:
    """Straight slopes of `_PATCH` pixels from each row to the next."""
    shares = np.arange(_PATCH).reshape(-1, *[1] * (coarse.ndim - 1))
    slopes = coarse[:-1, None] * (_PATCH - shares) + coarse[1:, None] * shares
    return (slopes // _PATCH).reshape(-1, *coarse.shape[1:])
