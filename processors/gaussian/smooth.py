"""Choosing the kernel, and who does the work."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.operation import Image, channels_of

_ONE = 256
_CACHED_KERNELS = 64


def smooth(image: Image, side: int, sigma: float) -> Image:
    """`image`, (H, W[, C]), smoothed as by `cv2.GaussianBlur(image, (side, side), sigma)`.

    `side` is odd, or 0 to derive it from `sigma`, the standard deviation in pixels. 16 bits are
    left to OpenCV. Borders are mirrored, without the outermost pixel twice.
    """
    if image.dtype != np.uint8:
        return cv2.GaussianBlur(image, (side, side), sigma)  # type: ignore[return-value]
    if (side := side or derived_side(sigma)) == 1:
        return image
    # The compiler is large, and the server, which smooths nothing, should not load it.
    from processors.gaussian.kernel import convolve

    rows = np.ascontiguousarray(image).reshape(len(image), -1)
    result = np.empty_like(rows)
    convolve(rows, result, taps(side, sigma), channels_of(image))
    return result.reshape(image.shape)


def derived_side(sigma: float) -> int:
    """The side that OpenCV takes for 8 bits: three standard deviations to each side."""
    return round(sigma * 6 + 1) | 1


@lru_cache(_CACHED_KERNELS)
def taps(side: int, sigma: float) -> NDArray[np.float32]:
    """The kernel from its middle outwards, in 1/256: (max(3, side // 2 + 1),), an odd number.

    What rounding one tap leaves is carried to the next, and the middle takes the rest, so that
    they add up to 1 (getGaussianKernelFixedPoint_ED of OpenCV's smooth.dispatch.cpp).
    """
    exact = cv2.getGaussianKernel(side, sigma).ravel() * _ONE
    outer, carried = [], 0.0
    for weight in exact[: side // 2]:
        outer.append(round(weight + carried))
        carried += weight - outer[-1]
    found = [_ONE - 2 * sum(outer), *reversed(outer)]
    missing = 1 if side == 3 else len(found) % 2 == 0  # taps are taken by pairs
    kernel = np.array([*found, *[0] * missing], np.float32)
    kernel.setflags(write=False)
    return kernel


def warm_up() -> None:
    """Compile, or load what an earlier process compiled: seconds at the first start ever."""
    smooth(np.zeros((1, 1), np.uint8), 3, 1.0)
