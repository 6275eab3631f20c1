"""Operations on colour, alpha and thresholds."""

from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageOps
from skimage import color, filters

from tests.comparisons.case import (
    EXACT,
    ONE_LEVEL,
    TWO_LEVELS,
    Case,
    Reference,
    Values,
    pillow,
)

COLOURS_OF_MAPS = 1.5
"""OpenCV rounds the colours of its tables, and bone runs straight between few of them. Those of
OpenCV's twilight, hot, spring and so on are not matplotlib's of that name."""

NEAR_THE_MEAN = 255, 255 * 0.01
"""OpenCV rounds the mean of a block before it compares: 1% of the pixels may be decided otherwise,
those within half a level."""

SEPIA = (0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)
"""Rows red, green, blue, as written in the W3C's Filter Effects Module, section 12.1.3."""


def _turned(rgb: Values) -> Values:
    white = np.iinfo(rgb.dtype).max
    hsv = color.rgb2hsv(rgb)
    hsv[..., 0] = (hsv[..., 0] + 0.25) % 1
    return color.hsv2rgb(hsv) * white


def _lighter(rgb: Values) -> Values:
    white = np.iinfo(rgb.dtype).max
    lab = color.rgb2lab(rgb)
    lab[..., 0] = np.clip(lab[..., 0] + 10, 0, 100)
    return np.clip(_to_rgb(lab), 0, 1) * white


def _tinted(gray: Values) -> Values:
    white = np.iinfo(gray.dtype).max
    lab = color.rgb2lab(np.dstack([gray] * 3))
    lab[..., 1:] = color.rgb2lab(np.array([[[160, 128, 96]]], np.uint8))[..., 1:]
    return np.clip(_to_rgb(lab), 0, 1) * white


def _to_rgb(lab: Values) -> Values:
    """By way of XYZ: lab2rgb would limit the colours, and warn of each that it limits."""
    found: Values = color.xyz2rgb(color.lab2xyz(lab))
    return found


def _mapped(name: str) -> Reference:
    def looked_up(gray: Values) -> Any:
        return mpl.colormaps[name](gray)[..., :3] * 255

    return looked_up


def _adaptive(gray: Values) -> Values:
    white = np.iinfo(gray.dtype).max
    limit = filters.threshold_local(
        gray.astype(float), 11, method="mean", mode="nearest", offset=4.25 * white / 255
    )
    return (gray > limit) * white


def _flattened(image: Pillow.Image) -> Pillow.Image:
    behind = Pillow.new("RGBA", image.size, "teal")
    return Pillow.alpha_composite(behind, image).convert("RGB")


def _fainter(image: Pillow.Image) -> Pillow.Image:
    image.putalpha(image.getchannel("A").point(lambda value: round(value * 0.4)))
    return image


CASES = [
    Case("grayscale", "Pillow", pillow(ImageOps.grayscale), ONE_LEVEL),
    Case("channel=green", "Pillow", pillow(lambda image: image.getchannel("G")), EXACT,
         channels=(3, 4)),
    Case("saturation=1.5", "Pillow",
         pillow(lambda image: ImageEnhance.Color(image).enhance(1.5)), TWO_LEVELS, channels=(3,)),
    Case("hue=90", "scikit-image", _turned, ONE_LEVEL, channels=(3,), depths=(8, 16)),
    Case("lightness=10", "scikit-image", _lighter, ONE_LEVEL, channels=(3,), depths=(8, 16)),
    Case("tint=#a08060", "scikit-image", _tinted, ONE_LEVEL, channels=(1,), depths=(8, 16)),
    Case("sepia", "Pillow", pillow(lambda image: image.convert("RGB", SEPIA)), ONE_LEVEL,
         channels=(3,)),
    Case("colorize=navy,ivory", "Pillow",
         pillow(lambda image: ImageOps.colorize(image, "navy", "ivory")), ONE_LEVEL, channels=(1,)),
    *(Case(f"colormap={name}", "matplotlib", _mapped(name), COLOURS_OF_MAPS, channels=(1,))
      for name in ("viridis", "magma", "inferno", "plasma", "cividis", "turbo", "bone")),
    Case("threshold=100", "Pillow",
         pillow(lambda image: image.point(lambda value: 255 * (value >= 100))), EXACT,
         channels=(1,)),
    Case("threshold=otsu", "scikit-image",
         lambda gray: (gray > filters.threshold_otsu(gray)) * 255, EXACT, channels=(1,)),
    Case("threshold=adaptive,11,4.25", "scikit-image", _adaptive, *NEAR_THE_MEAN, channels=(1,)),
    Case("flatten=teal", "Pillow", pillow(_flattened), ONE_LEVEL, channels=(4,)),
    Case("opacity=0.4", "Pillow", pillow(_fainter), EXACT, channels=(4,)),
]  # fmt: skip
