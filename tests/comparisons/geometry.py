"""Operations on where pixels are."""

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps
from scipy import ndimage

from tests.comparisons.case import EXACT, ONE_LEVEL, ROUNDED, Case, Values, each_channel, pillow

_BOX = Pillow.Resampling.BOX
_TURNS = {
    90: Pillow.Transpose.ROTATE_270,
    180: Pillow.Transpose.ROTATE_180,
    270: Pillow.Transpose.ROTATE_90,
}
"""Pillow turns to the left."""


def _by_area(plane: Values) -> Values:
    """To 100x70: each pixel the mean of the area behind it, shares of pixels counted as such."""
    down, across = _shares(plane.shape[0], 70), _shares(plane.shape[1], 100)
    found: Values = down @ plane @ across.T
    return found


def _shares(source: int, target: int) -> Values:
    """(target, source): how much of each source pixel lies in each target pixel, summing to 1."""
    edges = np.arange(target + 1)[:, None] * source / target
    covered = np.clip(edges - np.arange(source), 0, 1)
    return np.diff(covered, axis=0) * target / source


def _pixelated(image: Pillow.Image) -> Pillow.Image:
    return image.reduce(8).resize(image.size, Pillow.Resampling.NEAREST)


def _rotated(plane: Values) -> Values:
    found: Values = ndimage.rotate(plane, -30, reshape=False, order=1, mode="grid-constant")
    return found


CASES = [
    Case("resize=0.5", "Pillow", pillow(lambda image: image.reduce(2)), ONE_LEVEL),
    Case("resize=0.1", "Pillow", pillow(lambda image: image.resize((16, 12), _BOX)), ONE_LEVEL),
    Case("resize=3", "Pillow", pillow(lambda image: image.resize((480, 360), _BOX)), EXACT),
    Case("resize=100x70", "NumPy", each_channel(_by_area), ROUNDED, depths=(8, 16)),
    Case("resize=60x60,cover", "Pillow",
         pillow(lambda image: ImageOps.fit(image, (60, 60), _BOX)), ONE_LEVEL),
    Case("resize=40x40,contain,white", "Pillow",
         pillow(lambda image: ImageOps.pad(image, (40, 40), _BOX, "white")), ONE_LEVEL),
    Case("resize=40x40,inside", "Pillow",
         pillow(lambda image: ImageOps.contain(image, (40, 40), _BOX)), ONE_LEVEL),
    Case("crop=10,20,50,40", "Pillow", pillow(lambda image: image.crop((10, 20, 60, 60))), EXACT,
         channels=(1, 3, 4)),
    *(Case(f"rotate={degrees}", "Pillow", pillow(lambda image, turn=turn: image.transpose(turn)),
           EXACT, channels=(1, 3, 4))
      for degrees, turn in _TURNS.items()),
    Case("rotate=30,false", "SciPy", each_channel(_rotated), ONE_LEVEL, depths=(8, 16)),
    Case("flip=horizontal", "Pillow", pillow(ImageOps.mirror), EXACT, channels=(1, 3, 4)),
    Case("flip=vertical", "Pillow", pillow(ImageOps.flip), EXACT, channels=(1, 3, 4)),
    Case("pixelate=8", "Pillow", pillow(_pixelated), ONE_LEVEL),
]  # fmt: skip
