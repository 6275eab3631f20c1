"""Operations that find edges. Canny, which gives lines, is compared in test_comparisons.py."""

from functools import partial

import numpy as np
from scipy import ndimage
from skimage import filters

from tests.comparisons.case import ROUNDED, Case, Reference, Values, each_channel


def _sobel(plane: Values, axis: int) -> Values:
    found: Values = ndimage.sobel(plane, axis, mode="mirror") / 4
    return found


def _absolute(axis: int) -> Reference:
    return each_channel(lambda plane: np.abs(_sobel(plane, axis)))


def _on_gray(axis: int) -> Reference:
    """Half of each value on mid-gray, 128 of 255."""

    def shown(rgb: Values) -> Values:
        gray = 128 * np.iinfo(rgb.dtype).max / 255
        found: Values = each_channel(partial(_sobel, axis=axis))(rgb) / 2 + gray
        return found

    return shown


def _laplace(plane: Values) -> Values:
    return np.abs(ndimage.laplace(plane, mode="mirror")) / 4


CASES = [
    Case("dx", "SciPy", _on_gray(1), ROUNDED, depths=(8, 16)),
    Case("dy", "SciPy", _on_gray(0), ROUNDED, depths=(8, 16)),
    Case("dx=sobel,absolute", "SciPy", _absolute(1), ROUNDED, depths=(8, 16)),
    Case("dy=sobel,absolute", "SciPy", _absolute(0), ROUNDED, depths=(8, 16)),
    Case("dx=scharr,absolute", "scikit-image",
         each_channel(lambda plane: np.abs(filters.scharr_v(plane))), ROUNDED, margin=1,
         depths=(8, 16)),
    Case("dy=scharr,absolute", "scikit-image",
         each_channel(lambda plane: np.abs(filters.scharr_h(plane))), ROUNDED, margin=1,
         depths=(8, 16)),
    Case("gradient_magnitude", "SciPy",
         each_channel(lambda plane: np.hypot(_sobel(plane, 0), _sobel(plane, 1))), ROUNDED,
         depths=(8, 16)),
    Case("laplacian=1,absolute", "SciPy", each_channel(_laplace), ROUNDED, depths=(8, 16)),
]  # fmt: skip
