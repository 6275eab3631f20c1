"""Operations on the value of each pixel."""

import numpy as np
from PIL import Image as Pillow
from PIL import ImageChops, ImageOps
from skimage import exposure, util

from tests.comparisons.case import EXACT, ONE_LEVEL, ROUNDED, Case, Values, pillow

OTHER_TILES = 45.0, 5.0
"""scikit-image rounds to other bins, shares out what it clips in another order, and stretches the
result: at the ends of the range it is far off, and on average 4. The picture itself is 20 off."""


def _blended(image: Pillow.Image) -> Pillow.Image:
    """Away from half gray by the factor 1.3; Pillow's own Contrast goes from the image's mean."""
    gray = Pillow.new(image.mode, image.size, (128,) * len(image.getbands()))
    return Pillow.blend(gray, image, 1.3)


def _lighter(image: Pillow.Image) -> Pillow.Image:
    return ImageChops.add(image, Pillow.new(image.mode, image.size, (20,) * len(image.getbands())))


def _two_values(image: Pillow.Image) -> Pillow.Image:
    """One bit is left; Pillow shows it as 128."""
    return ImageOps.posterize(image, 1).point(lambda value: min(value * 2, 255))


def _equalized(gray: Values) -> Values:
    """By the share of pixels no lighter; those of the darkest level count as black."""
    shares, centres = exposure.cumulative_distribution(gray, 256)
    darkest = shares[shares > 0][0]
    found: Values = np.interp(gray, centres, (shares - darkest) / (1 - darkest)) * 255
    return found


def _gray_world(rgb: Values) -> Values:
    return rgb * (rgb.mean() / rgb.mean((0, 1)))


def _white_patch(rgb: Values) -> Values:
    white = np.iinfo(rgb.dtype).max
    found = np.percentile(rgb, 99, axis=(0, 1), method="inverted_cdf")
    return rgb * (white / found)


CASES = [
    Case("brightness=20", "Pillow", pillow(_lighter), EXACT),
    Case("contrast=1.3", "Pillow", pillow(_blended), ONE_LEVEL),
    Case("gamma=1.8", "scikit-image", lambda rgb: exposure.adjust_gamma(rgb, 1 / 1.8), ONE_LEVEL,
         depths=(8, 16)),
    Case("posterize=2", "Pillow", pillow(_two_values), ONE_LEVEL),
    Case("solarize=100", "Pillow", pillow(lambda image: ImageOps.solarize(image, 100)), EXACT),
    Case("invert", "scikit-image", util.invert, EXACT, depths=(8, 16)),
    Case("invert", "Pillow", pillow(ImageOps.invert), EXACT),
    Case("equalize", "scikit-image", _equalized, ROUNDED, channels=(1,)),
    Case("clahe=2,4", "scikit-image",
         lambda gray: exposure.equalize_adapthist(gray, (30, 40), 2 / 256) * 255,
         *OTHER_TILES, channels=(1,)),
    Case("auto_levels=2", "scikit-image",
         lambda gray: exposure.rescale_intensity(gray, tuple(np.percentile(gray, (2, 98)))),
         ONE_LEVEL, channels=(1,), depths=(8, 16)),
    Case("white_balance", "NumPy", _gray_world, ROUNDED, channels=(3,), depths=(8, 16)),
    Case("white_balance=white_patch", "NumPy", _white_patch, ROUNDED, channels=(3,),
         depths=(8, 16)),
]  # fmt: skip
