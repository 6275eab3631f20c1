"""Operations that bring out detail, or that weigh neighbours at will."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, model_validator

from processors.alpha import full_scale
from processors.neighbours import (
    Floats,
    Plane,
    each_colour,
    filtered,
    level,
    rounded,
    smoothed,
    weighing,
)
from processors.operation import Image, Operation, Size

_RELIEF = np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], np.float32)
_CENTRE = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)

_LEAST_TOTAL = 1e-6

Weight = Annotated[float, Field(ge=-1e6, le=1e6)]
Row = Annotated[tuple[Weight, ...], Field(min_length=1, max_length=31)]


class Sharpen(Operation):
    """Sharpen with an unsharp mask: add the difference from a blurred copy.

    pixel + amount * (pixel - Gaussian). Each channel by itself, in 8 or 16 bits; neighbours are
    weighed by alpha, which stays as it is.
    """

    op: Literal["sharpen"] = "sharpen"
    amount: float = Field(1.0, ge=0, le=20, description="Share of the difference that is added.")
    sigma: float = Field(
        1.0, ge=0.1, le=25, description="Standard deviation of the Gaussian, in pixels."
    )
    threshold: float = Field(
        0, ge=0, le=255, description="Smaller differences are left, in levels of 255."
    )

    aliases: ClassVar = ("unsharp_mask",)
    example: ClassVar = "sharpen=1.5"
    units: ClassVar = {"sigma": "px"}

    def apply(self, image: Image) -> Image:
        if self.amount == 0:
            return image
        detail = weighing(image, lambda plane: plane - smoothed(plane, self.sigma), 0)
        least = self.threshold * level(image)

        def sharpened(plane: Plane) -> Image:
            difference = detail(plane)
            if least:
                difference[np.abs(difference) < least] = 0
            return rounded(plane + np.float32(self.amount) * difference, image)

        return each_colour(image, sharpened)

    def is_identity(self, size: Size) -> bool:
        return self.amount == 0


class Emboss(Operation):
    """Light the image from the top left, as if it were a relief.

    pixel + strength * relief, with the weights -2 -1 0 / -1 0 1 / 0 1 2. Each channel by itself,
    in 8 or 16 bits; neighbours are weighed by alpha, which stays as it is.
    """

    op: Literal["emboss"] = "emboss"
    strength: float = Field(1.0, ge=0, le=10, description="Depth of the relief; 0 is flat.")

    example: ClassVar = "emboss=1"

    def apply(self, image: Image) -> Image:
        kernel = _CENTRE + np.float32(self.strength) * _RELIEF
        return convolved(image, kernel, 0)

    def is_identity(self, size: Size) -> bool:
        return self.strength == 0


class Convolve(Operation):
    """Weigh each pixel's neighbours with a kernel of your own.

    The kernel is laid on as it is written, as OpenCV's filter2D does. Each channel by itself, in 8
    or 16 bits; neighbours are weighed by alpha, which stays as it is. Beyond the sides the image
    is mirrored.
    """

    op: Literal["convolve"] = "convolve"
    kernel: tuple[Row, ...] = Field(
        min_length=1,
        max_length=31,
        description="Rows of weights, as many in each; both sides odd, 31 at most.",
    )
    normalize: bool = Field(
        False, description="Divide the weights by their sum, which keeps the brightness."
    )
    offset: float = Field(0, ge=-255, le=255, description="Added to each value, in levels of 255.")

    example: ClassVar = "convolve=[[0,-1,0],[-1,5,-1],[0,-1,0]]"

    @model_validator(mode="after")
    def _usable(self) -> Self:
        widths = {len(row) for row in self.kernel}
        if len(widths) != 1:
            raise ValueError("all rows of a kernel have as many weights")
        if len(self.kernel) % 2 == 0 or widths.pop() % 2 == 0:
            raise ValueError("both sides of a kernel are odd")
        if self.normalize and abs(self._total()) < _LEAST_TOTAL:
            raise ValueError("weights that sum to zero cannot be normalized")
        return self

    def apply(self, image: Image) -> Image:
        weights = np.array(self.kernel, np.float64)
        if self.normalize:
            weights /= self._total()
        return convolved(image, weights.astype(np.float32), self.offset)

    def _total(self) -> float:
        return math.fsum(weight for row in self.kernel for weight in row)


def convolved(image: Image, kernel: Floats, offset: float) -> Image:
    """`kernel` laid on each colour channel, and `offset` levels of 255 added."""
    # OpenCV rounds by way of int32, where larger sums would turn round.
    small = (np.abs(kernel).sum() + 1) * full_scale(image) < 2**31

    def laid(plane: Plane, depth: int, gain: float, added: float) -> Any:
        if depth != -1 or small:
            return cv2.filter2D(plane, depth, kernel * np.float32(gain), delta=added)
        return rounded(laid(plane, cv2.CV_32F, gain, added), image)

    return filtered(image, laid, float(kernel.sum()), offset=offset * level(image))
