"""Operations that cut, frame or warp the image."""

from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from scipy import ndimage
from skimage import transform

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

_ANY = (1, 3, 4)
_CORNERS = np.array([[20, 10], [140, 30], [120, 100], [30, 110]])
"""Of a quadrilateral in the picture, clockwise from the top left; it becomes 100x80."""


def _bordered(image: Pillow.Image) -> Pillow.Image:
    return ImageOps.expand(image, 10, "white")


def _padded(mode: Any) -> Reference:
    sides = [(10, 10), (20, 20), (0, 0)]
    return lambda rgb: np.pad(rgb, sides[: rgb.ndim], mode=mode)


def _sheared(plane: Values) -> Values:
    """SciPy maps rows and columns of the result to those of the image."""
    matrix = np.linalg.inv([[1, 0, 10], [0.2, 1, -20], [0, 0, 1]])
    found: Values = ndimage.affine_transform(plane, matrix, order=1, mode="grid-constant")
    return found


def _straightened(plane: Values) -> Values:
    """Corners lie between pixels, half a pixel before the middle of the first."""
    corners = np.array([[0, 0], [100, 0], [100, 80], [0, 80]]) - 0.5
    found: Values = transform.warp(
        plane,
        transform.ProjectiveTransform.from_estimate(corners, _CORNERS - 0.5),
        output_shape=(80, 100),
        order=1,
        preserve_range=True,
    )
    return found


CASES = [
    Case("square_crop=100", "Pillow", pillow(lambda image: image.crop((30, 10, 130, 110))), EXACT,
         channels=_ANY),
    Case("transpose", "Pillow",
         pillow(lambda image: image.transpose(Pillow.Transpose.TRANSPOSE)), EXACT, channels=_ANY),
    Case("transpose=anti", "Pillow",
         pillow(lambda image: image.transpose(Pillow.Transpose.TRANSVERSE)), EXACT, channels=_ANY),
    Case("thumbnail=40x50", "Pillow",
         pillow(lambda image: ImageOps.contain(image, (40, 50), Pillow.Resampling.BOX)), ONE_LEVEL),
    Case("zoom=2", "Pillow",
         pillow(lambda image: image.resize(image.size, Pillow.Resampling.BILINEAR,
                                           (40, 30, 120, 90))), ONE_LEVEL, margin=2),
    Case("border=10,white", "Pillow", pillow(_bordered), EXACT, channels=_ANY),
    Case("pad=10,20", "NumPy", _padded("constant"), EXACT, channels=_ANY, depths=(8, 16)),
    Case("pad=10,20,mode=reflect", "NumPy", _padded("reflect"), EXACT, channels=_ANY,
         depths=(8, 16)),
    Case("pad=10,20,mode=edge", "NumPy", _padded("edge"), EXACT, channels=_ANY, depths=(8, 16)),
    Case("affine=[[1,0.2,-20],[0,1,10]]", "SciPy", each_channel(_sheared), ROUNDED,
         depths=(8, 16)),
    Case("perspective=[[20,10],[140,30],[120,100],[30,110]],100,80", "scikit-image",
         each_channel(_straightened), ONE_LEVEL, depths=(8, 16)),
]  # fmt: skip
