"""Operations that coarsen or roughen the image."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from processors.alpha import premultiplied
from processors.levels import on_colour
from processors.neighbours import level, rounded
from processors.operation import Image, Operation, Size

_ROWS = 64
"""Rows that get their noise at once, to keep memory low."""


class Pixelate(Operation):
    """Replace each block of pixels by its mean.

    Blocks begin at the top left; the last ones may be cut off. Gray and 16-bit images stay what
    they are; colour is weighted by alpha.
    """

    op: Literal["pixelate"] = "pixelate"
    block: int = Field(8, ge=1, le=1000, description="Side of a block in pixels.")

    aliases: ClassVar = ("pix",)
    example: ClassVar = "pixelate=8"
    units: ClassVar = {"block": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        return image if self.block == 1 else premultiplied(image, self._blocks)

    def _blocks(self, image: Image) -> Image:
        result = np.empty(image.shape, image.dtype)
        lefts = np.arange(0, image.shape[1], self.block)
        widths = np.diff(np.append(lefts, image.shape[1]))
        shares = widths.reshape(-1, *[1] * (image.ndim - 2))
        for top in range(0, image.shape[0], self.block):
            band = image[top : top + self.block]
            sums = np.add.reduceat(band.sum(axis=0, dtype=np.uint32).astype(np.float64), lefts)
            means = rounded(sums / (len(band) * shares), image)
            result[top : top + self.block] = np.repeat(means, widths, axis=0)
        return result

    def is_identity(self, size: Size) -> bool:
        return self.block == 1


class Noise(Operation):
    """Add Gaussian noise, the same for the same seed.

    16-bit images get the noise of 8-bit ones, in finer steps; alpha stays as it is.
    """

    op: Literal["noise"] = "noise"
    sigma: float = Field(
        10, ge=0, le=255, description="Standard deviation of the noise, in levels of 255."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Another seed gives other noise.")
    monochrome: bool = Field(False, description="The same noise for all colours of a pixel.")

    example: ClassVar = "noise=10"

    def apply(self, image: Image) -> Image:
        return image if self.sigma == 0 else on_colour(image, self._noisy)

    def _noisy(self, image: Image) -> Image:
        random = np.random.default_rng(self.seed)
        result = np.empty(image.shape, image.dtype)
        deviation = np.float32(self.sigma * level(image))
        for top in range(0, image.shape[0], _ROWS):
            band = image[top : top + _ROWS]
            shape = (*band.shape[:2], 1) if self.monochrome and band.ndim == 3 else band.shape
            noise = random.standard_normal(shape, dtype=np.float32) * deviation
            result[top : top + _ROWS] = rounded(band + noise, image)
        return result

    def is_identity(self, size: Size) -> bool:
        return self.sigma == 0
