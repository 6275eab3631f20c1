"""The same by Pillow and by pyvips, for the example of each operation that they have too.

The kernels, factors and tables are those of the example. What they do in another way, such as
pyvips' sharpening of the lightness alone, is not here: other work has another cost.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter, ImageOps

from benchmarks.runners.pillow import gaussian

Counterpart = Callable[[Any], Any]
"""Of an image of that library to its result; pyvips only notes what is to be done."""

Weights = Sequence[Sequence[float]]

_ACROSS = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
_DOWN = ((-1, -2, -1), (0, 0, 0), (1, 2, 1))
_BEND = ((0, 1, 0), (1, -4, 1), (0, 1, 0))
_RELIEF = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))
_DETAIL = ((0, -1, 0), (-1, 5, -1), (0, -1, 0))

_SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))
_LUMA = (0.299, 0.587, 0.114)
_VIVID = tuple(tuple(1.5 * (a == b) - 0.5 * _LUMA[b] for b in range(3)) for a in range(3))

_HALF = 8, 128
"""Divisor and offset of a derivative shown on mid-gray: by 4, and half of that."""


def _kernel(weights: Weights, scale: float = 1, offset: float = 0) -> Counterpart:
    flat = [weight for row in reversed(weights) for weight in row]  # Pillow begins at the bottom
    mask = ImageFilter.Kernel((len(weights[0]), len(weights)), flat, scale, offset)
    return lambda image: image.filter(mask)


def _filters(*filters: Any) -> Counterpart:
    def filtered(image: Pillow.Image) -> Pillow.Image:
        for item in filters:
            image = image.filter(item)
        return image

    return filtered


def _table(value: Callable[[float], float]) -> Counterpart:
    """Each value looked up; the table is made each time, as Darkroom does."""

    def looked_up(image: Pillow.Image) -> Pillow.Image:
        table = [min(255, max(0, round(value(level)))) for level in range(256)]
        return image.point(table * len(image.getbands()))

    return looked_up


def _flattened(image: Pillow.Image) -> Pillow.Image:
    behind = Pillow.new("RGBA", image.size, "white")
    return Pillow.alpha_composite(behind, image).convert("RGB")


def _half_clear(image: Pillow.Image) -> Pillow.Image:
    image = image.copy()
    image.putalpha(128)
    return image


PILLOW: dict[str, Counterpart] = {
    "flatten=white": _flattened,
    "opacity=0.5": _half_clear,
    "auto_levels=0.5": partial(ImageOps.autocontrast, cutoff=0.5),
    "grayscale": ImageOps.grayscale,
    "invert": ImageOps.invert,
    "channel=red": lambda image: image.getchannel("R"),
    "saturation=1.5": lambda image: ImageEnhance.Color(image).enhance(1.5),
    "blur=5": _filters(ImageFilter.Kernel((5, 5), gaussian(5, 4.0))),
    "resize=0.5": lambda image: image.reduce(2),
    "rotate=90": lambda image: image.transpose(Pillow.Transpose.ROTATE_270),
    "transpose": lambda image: image.transpose(Pillow.Transpose.TRANSPOSE),
    "flip=horizontal": ImageOps.mirror,
    "border=10,white": partial(ImageOps.expand, border=10, fill="white"),
    "dx": _kernel(_ACROSS, *_HALF),
    "dy": _kernel(_DOWN, *_HALF),
    "laplacian": _kernel(_BEND, *_HALF),
    "emboss=1": _kernel(_RELIEF),
    "convolve=[[0,-1,0],[-1,5,-1],[0,-1,0]]": _kernel(_DETAIL),
    "erode=3": _filters(ImageFilter.MinFilter(3)),
    "dilate=3": _filters(ImageFilter.MaxFilter(3)),
    "opening=3": _filters(ImageFilter.MinFilter(3), ImageFilter.MaxFilter(3)),
    "closing=3": _filters(ImageFilter.MaxFilter(3), ImageFilter.MinFilter(3)),
    "sharpen=1.5": _filters(ImageFilter.UnsharpMask(1, 150, 0)),
    "box_blur=5": _filters(ImageFilter.BoxBlur(2)),
    "median=5": _filters(ImageFilter.MedianFilter(5)),
    "pixelate=8": lambda image: image.reduce(8).resize(image.size, Pillow.Resampling.NEAREST),
    "threshold=128": lambda image: image.convert("L").point([0] * 128 + [255] * 128),
    "brightness=20": _table(lambda value: value + 20),
    "contrast=1.2": _table(lambda value: (value - 127.5) * 1.2 + 127.5),
    "gamma=1.8": _table(lambda value: 255 * (value / 255) ** (1 / 1.8)),
    "posterize=4": _table(lambda value: round(value / 85) * 85),
    "solarize=128": partial(ImageOps.solarize, threshold=128),
    "sepia": lambda image: image.convert("RGB", [part for row in _SEPIA for part in (*row, 0)]),
    "colorize=navy,ivory": lambda image: ImageOps.colorize(image.convert("L"), "navy", "ivory"),
}


def _convolved(weights: Weights, scale: float = 1, offset: float = 0) -> Counterpart:
    def noted(image: Any) -> Any:
        import pyvips

        mask = pyvips.Image.new_from_array([list(row) for row in weights], scale, offset)
        return image.conv(mask, precision="integer")

    return noted


def _summed(image: Any, weights: Weights) -> Any:
    """Each channel a sum of all, in float."""
    import pyvips

    return image.recomb(pyvips.Image.new_from_array([list(row) for row in weights]))


def _mixed(weights: Weights) -> Counterpart:
    return lambda image: _summed(image, weights).cast("uchar")


def _white_from_128(image: Any) -> Any:
    return _summed(image, [_LUMA]) >= 127.5


def _lighter(image: Any) -> Any:
    return image.colourspace("lab").linear(1, [10, 0, 0]).colourspace("srgb")


def _mean_of_five(image: Any) -> Any:
    import pyvips

    mask = pyvips.Image.new_from_array([[1] * 5], 5)
    return image.convsep(mask, precision="integer")


def _noisy(image: Any) -> Any:
    import pyvips

    planes = [
        pyvips.Image.gaussnoise(image.width, image.height, mean=0, sigma=10, seed=seed)
        for seed in range(3)
    ]
    return (image + planes[0].bandjoin(planes[1:])).cast("uchar")


VIPS: dict[str, Counterpart] = {
    "flatten=white": lambda image: image.flatten(background=255),
    "opacity=0.5": lambda image: image.bandjoin(128),
    "grayscale": _mixed([_LUMA]),
    "invert": lambda image: image.invert(),
    "channel=red": lambda image: image.extract_band(0),
    "saturation=1.5": _mixed(_VIVID),
    "lightness=10": lambda image: (
        image.colourspace("lab").linear(1, [10, 0, 0]).colourspace("srgb")
    ),
    "blur=5": lambda image: image.gaussblur(4, min_ampl=0.8, precision="integer"),
    "resize=0.5": lambda image: image.shrink(2, 2),
    "rotate=90": lambda image: image.rot90(),
    "transpose": lambda image: image.rot90().fliphor(),
    "flip=horizontal": lambda image: image.fliphor(),
    "border=10,white": lambda image: image.embed(
        10, 10, image.width + 20, image.height + 20, extend="white"
    ),
    "dx": _convolved(_ACROSS, *_HALF),
    "dy": _convolved(_DOWN, *_HALF),
    "laplacian": _convolved(_BEND, *_HALF),
    "emboss=1": _convolved(_RELIEF),
    "convolve=[[0,-1,0],[-1,5,-1],[0,-1,0]]": _convolved(_DETAIL),
    "erode=3": lambda image: image.rank(3, 3, 0),
    "dilate=3": lambda image: image.rank(3, 3, 8),
    "opening=3": lambda image: image.rank(3, 3, 0).rank(3, 3, 8),
    "closing=3": lambda image: image.rank(3, 3, 8).rank(3, 3, 0),
    "box_blur=5": _mean_of_five,
    "median=5": lambda image: image.median(5),
    "pixelate=8": lambda image: image.shrink(8, 8).zoom(8, 8),
    "noise=10": _noisy,
    "threshold=128": _white_from_128,
    "brightness=20": lambda image: image.linear(1, 20, uchar=True),
    "contrast=1.2": lambda image: image.linear(1.2, 127.5 * -0.2, uchar=True),
    "gamma=1.8": lambda image: image.gamma(exponent=1.8),
    "sepia": _mixed(_SEPIA),
}
