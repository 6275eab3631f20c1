"""Operations that mix neighbours: smooth, sharpen, erode and dilate."""

from functools import partial

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage
from skimage import filters, morphology, restoration

from tests.comparisons.case import (
    EXACT,
    ONE_LEVEL,
    ROUNDED,
    Case,
    Reference,
    Values,
    each_channel,
    pillow,
)

ROUNDED_TAPS = 1.5
"""In 8 bits the weights of blur are multiples of 1/256 (as OpenCV's): a level, and half for
rounding."""

BOXES_FOR_A_GAUSSIAN = 4.01, 1.0
"""Pillow blurs for its unsharp mask by three boxes, which differ from a Gaussian at edges."""

OTHER_NEIGHBOURS = 8.0, 1.5
"""scikit-image takes a square of neighbours, where OpenCV takes a disc. Their weights by distance
are left equal: those of scikit-image 0.26 are off by one pixel where the side is odd."""

OTHER_MEANS = 15.0, 1.0
"""OpenCV takes the distances of patches from a table of whole numbers, and mirrors the image in
another way. The noise itself has a mean of 5."""

_SQUARE = np.ones((5, 5), bool)
_CROSS = np.zeros((5, 5), bool)
_CROSS[2, :] = _CROSS[:, 2] = True
_RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
_KERNEL = np.array([[0, -1, 2], [3, 1, -1], [0, 0.5, 0]])


def _gaussian(sigma: float, radius: int) -> Reference:
    return each_channel(
        lambda plane: ndimage.gaussian_filter(plane, sigma, mode="mirror", radius=radius)
    )


def _correlated(kernel: Values) -> Reference:
    return each_channel(lambda plane: ndimage.correlate(plane, kernel, mode="mirror"))


def _low(plane: Values) -> Values:
    """By the Fourier transform of the image mirrored at its sides, with a Butterworth filter."""
    mirrored = np.pad(plane, [(0, side) for side in plane.shape], mode="symmetric")
    down, across = (np.fft.fftfreq(side) * 2 for side in mirrored.shape)
    squared = (down[:, None] ** 2 + across**2) / 0.2**2
    low = np.fft.ifft2(np.fft.fft2(mirrored) / (1 + squared**2)).real
    return low[: plane.shape[0], : plane.shape[1]]


def _scikits_bilateral(gray: Values) -> Values:
    found: Values = restoration.denoise_bilateral(
        gray / 255,
        win_size=9,
        sigma_color=40 / 255,
        sigma_spatial=1000,
        bins=10_000,
        mode="symmetric",
    )
    return found * 255


def _bilateral(gray: Values) -> Values:
    """A disc of nine pixels, 40 levels and 3 pixels, by the formula."""
    values, white = gray.astype(float), np.iinfo(gray.dtype).max
    padded, (height, width) = np.pad(values, 4, mode="reflect"), gray.shape
    total, weights = np.zeros_like(values), np.zeros_like(values)
    for y, x in np.argwhere(np.hypot(*np.mgrid[-4:5, -4:5]) <= 4):
        neighbour = padded[y : y + height, x : x + width]
        by_colour = ((neighbour - values) * (255 / white) / 40) ** 2
        weight = np.exp(-(by_colour + ((y - 4) ** 2 + (x - 4) ** 2) / 9) / 2)
        total, weights = total + weight * neighbour, weights + weight
    return total / weights


def _non_local(gray: Values) -> Values:
    found: Values = restoration.denoise_nl_means(
        gray / 255, patch_size=7, patch_distance=5, h=10 / 255, fast_mode=True
    )
    return found * 255


def _unsharp(image: Pillow.Image) -> Pillow.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=80, threshold=0))


def _morphology(name: str, footprint: Values) -> Reference:
    # "ignore" leaves out what lies beyond the image, as OpenCV does.
    return each_channel(partial(getattr(morphology, name), footprint=footprint, mode="ignore"))


CASES = [
    Case("blur=5,4", "SciPy", _gaussian(4, 2), ROUNDED_TAPS),
    Case("blur=5,4", "SciPy", _gaussian(4, 2), ROUNDED, depths=(16,)),
    Case("blur=0,3", "scikit-image",
         lambda rgb: filters.gaussian(rgb, 3, mode="mirror", truncate=3, preserve_range=True,
                                      channel_axis=2 if rgb.ndim == 3 else None), ROUNDED_TAPS),
    Case("box_blur=7", "SciPy",
         each_channel(lambda plane: ndimage.uniform_filter(plane, 7, mode="mirror")), ROUNDED,
         depths=(8, 16)),
    Case("median=5", "SciPy",
         each_channel(lambda plane: ndimage.median_filter(plane, 5, mode="nearest")), EXACT,
         depths=(8, 16)),
    Case("median=9", "Pillow", pillow(lambda image: image.filter(ImageFilter.MedianFilter(9))),
         EXACT, margin=4),
    Case("bilateral=9,40,3", "NumPy", _bilateral, ONE_LEVEL, channels=(1,), depths=(8, 16)),
    Case("bilateral=9,40,1000", "scikit-image", _scikits_bilateral, *OTHER_NEIGHBOURS,
         channels=(1,)),
    Case("denoise=10", "scikit-image", _non_local, *OTHER_MEANS, channels=(1,)),
    Case("lowpass=0.2,butterworth", "NumPy", each_channel(_low), ROUNDED, depths=(8, 16)),
    Case("highpass=0.2,butterworth,negatives=absolute", "NumPy",
         each_channel(lambda plane: np.abs(plane - _low(plane))), ROUNDED, depths=(8, 16)),
    Case("sharpen=1.5,2", "scikit-image",
         lambda rgb: filters.unsharp_mask(rgb, 2, 1.5, preserve_range=True,
                                          channel_axis=2 if rgb.ndim == 3 else None),
         ONE_LEVEL, margin=8, depths=(8, 16)),
    Case("sharpen=0.8,2", "Pillow", pillow(_unsharp), *BOXES_FOR_A_GAUSSIAN, margin=8),
    Case("emboss=1", "SciPy", _correlated(_RELIEF), ROUNDED, depths=(8, 16)),
    Case("convolve=[[0,-1,2],[3,1,-1],[0,0.5,0]]", "SciPy", _correlated(_KERNEL), ROUNDED,
         depths=(8, 16)),
    *(Case(f"{ours}=5,{shape}", "scikit-image", _morphology(theirs, footprint), EXACT,
           depths=(8, 16))
      for ours, theirs in (("erode", "erosion"), ("dilate", "dilation"), ("opening", "opening"),
                           ("closing", "closing"))
      for shape, footprint in (("rectangle", _SQUARE), ("cross", _CROSS))),
]  # fmt: skip
