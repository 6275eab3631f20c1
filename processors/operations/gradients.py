"""Operations that find edges.

A gradient is scaled so that the step from black to white gives white (for Sobel of three pixels:
divided by 4).
"""

from typing import Any, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, model_validator

from processors.alpha import is_opaque
from processors.levels import on_colour
from processors.neighbours import (
    NEGATIVES,
    Floats,
    Laid,
    Linear,
    Negatives,
    Plane,
    contiguous,
    each_colour,
    filtered,
    level,
    odd,
    rounded,
    weighing,
)
from processors.operation import Image, Operation

Operator = Literal["sobel", "scharr"]

_OPERATOR = "Weights across the direction: sobel 1 2 1, scharr 3 10 3."
_SCALE = "Factor on the values."


class _Directional(Operation):
    """What dx and dy share."""

    operator: Operator = Field("sobel", description=_OPERATOR)
    negatives: Negatives = Field("offset", description=NEGATIVES)
    scale: float = Field(1.0, ge=0.1, le=100, description=_SCALE)

    direction: ClassVar[tuple[int, int]]

    def apply(self, image: Image) -> Image:
        laid = _laid(self.operator, *self.direction, self.scale)
        return filtered(image, laid, 0, self.negatives)


class Dx(_Directional):
    """Show how brightness changes from left to right: vertical edges.

    Each channel by itself, in 8 or 16 bits; neighbours are weighed by alpha, which stays as it is.
    """

    op: Literal["dx"] = "dx"
    example: ClassVar = "dx"
    direction: ClassVar = (1, 0)


class Dy(_Directional):
    """Show how brightness changes from top to bottom: horizontal edges.

    Each channel by itself, in 8 or 16 bits; neighbours are weighed by alpha, which stays as it is.
    """

    op: Literal["dy"] = "dy"
    example: ClassVar = "dy"
    direction: ClassVar = (0, 1)


class GradientMagnitude(Operation):
    """Show how steeply brightness changes: edges of every direction.

    sqrt(dx^2 + dy^2). Each channel by itself, in 8 or 16 bits; neighbours are weighed by alpha,
    which stays as it is.
    """

    op: Literal["gradient_magnitude"] = "gradient_magnitude"
    operator: Operator = Field("sobel", description=_OPERATOR)
    scale: float = Field(1.0, ge=0.1, le=100, description=_SCALE)

    example: ClassVar = "gradient_magnitude"

    def apply(self, image: Image) -> Image:
        across = weighing(image, derivative(self.operator, 1, 0, self.scale), 0)
        down = weighing(image, derivative(self.operator, 0, 1, self.scale), 0)
        return each_colour(image, lambda plane: rounded(_length(across(plane), down(plane)), image))


class Laplacian(Operation):
    """Show where brightness bends: fine detail of every direction.

    The sum of the second derivatives, divided by the sum of its positive weights. Each channel by
    itself, in 8 or 16 bits; neighbours are weighed by alpha, which stays as it is.
    """

    op: Literal["laplacian"] = "laplacian"
    kernel_size: int = Field(
        1,
        ge=1,
        le=7,
        description="Side of the kernel in pixels; 1 takes the four nearest neighbours; even sizes "
        "are raised by one.",
    )
    negatives: Negatives = Field("offset", description=NEGATIVES)
    scale: float = Field(1.0, ge=0.1, le=100, description=_SCALE)

    example: ClassVar = "laplacian"

    def apply(self, image: Image) -> Image:
        side = odd(self.kernel_size)
        factor = self.scale / _positive_weights(side)

        def laid(plane: Plane, depth: int, gain: float, added: float) -> Any:
            return cv2.Laplacian(plane, depth, ksize=side, scale=gain * factor, delta=added)

        return filtered(image, laid, 0, self.negatives)


class Canny(Operation):
    """Trace edges as white lines one pixel wide, on black.

    The result has one channel; an image with alpha keeps four, with equal colours, and is traced
    with neighbours weighed by alpha. 16-bit gradients are rounded to levels of 255. J. Canny, "A
    computational approach to edge detection", 1986.
    """

    op: Literal["canny"] = "canny"
    low: float = Field(
        100,
        ge=0,
        le=2040,
        description="Sobel gradient, in levels of 255, from which a line goes on.",
    )
    high: float | None = Field(
        None,
        ge=0,
        le=2040,
        description="Gradient from which a line begins; twice the lower one when left out.",
    )

    example: ClassVar = "canny=80,160"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high is not None and self.high < self.low:
            raise ValueError("the second threshold is not below the first")
        return self

    def apply(self, image: Image) -> Image:
        return on_colour(image, lambda colour: self._edges(image, colour))

    def output_channels(self, channels: int) -> int:
        return 1 if channels == 3 else channels

    def _edges(self, image: Image, colour: Image) -> Image:
        gray = contiguous(colour)
        if gray.ndim == 3:
            gray = cv2.cvtColor(gray, cv2.COLOR_BGR2GRAY)  # type: ignore[assignment]
        high = 2 * self.low if self.high is None else self.high
        if image.dtype == np.uint8 and is_opaque(image):
            return cv2.Canny(gray, self.low, high)  # type: ignore[return-value]
        across, down = (
            np.rint(weighing(image, _replicated(*direction), 0)(gray) / level(image))
            for direction in ((1, 0), (0, 1))
        )
        found = cv2.Canny(across.astype(np.int16), down.astype(np.int16), self.low, high)
        return found if image.dtype == np.uint8 else found.astype(np.uint16) * np.uint16(257)  # type: ignore[no-any-return]


def derivative(operator: Operator, across: int, down: int, scale: float) -> Linear:
    """The first derivative in one direction, of which a step from black to white gives white."""
    laid = _laid(operator, across, down, scale)
    return lambda plane: laid(plane, cv2.CV_32F, 1, 0)


def _laid(operator: Operator, across: int, down: int, scale: float) -> Laid:
    side, weights = (cv2.FILTER_SCHARR, 16) if operator == "scharr" else (3, 4)

    def laid(plane: Plane, depth: int, gain: float, added: float) -> Any:
        factor = gain * scale / weights
        return cv2.Sobel(plane, depth, across, down, ksize=side, scale=factor, delta=added)

    return laid


def _length(across: Floats, down: Floats) -> Floats:
    # Not cv2.magnitude: its last bit depends on where in memory the arrays begin.
    return np.sqrt(across * across + down * down)


def _replicated(across: int, down: int) -> Linear:
    """The derivative with the border that cv2.Canny has."""
    border = cv2.BORDER_REPLICATE
    return lambda plane: cv2.Sobel(plane, cv2.CV_32F, across, down, ksize=3, borderType=border)  # type: ignore[return-value]


def _positive_weights(side: int) -> float:
    """The sum of the positive weights of OpenCV's kernel, read off an impulse."""
    impulse = np.zeros((2 * side + 5, 2 * side + 5), np.float32)
    impulse[side + 2, side + 2] = 1
    response = cv2.Laplacian(impulse, cv2.CV_32F, ksize=side)
    return float(response[response > 0].sum())
