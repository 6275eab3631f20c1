"""Operations that map the plane: mirrored along a diagonal, by a matrix, by four points."""

import itertools
import math
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from processors.alpha import premultiplied
from processors.colours import Color, bgr
from processors.lengths import MAX_SIDE
from processors.operation import Image, Operation, Size, size_of
from processors.resample import border_value

Interpolation = Literal["nearest", "bilinear", "bicubic"]
Matrix = NDArray[np.float64]
Points = list[tuple[float, float]]

_FLAGS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
}
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
_LEAST_RATIO = 1e-6
"""Of the singular values of a matrix: below, a million pixels fall onto one line."""

_LEAST_SINE = 1e-3
"""Of a quadrilateral's corner: 0.06 degrees."""

Coefficient = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=-MAX_SIDE, le=2 * MAX_SIDE, allow_inf_nan=False)]
Row = tuple[Coefficient, Coefficient, Coefficient]
Point = tuple[Coordinate, Coordinate]

_INTERPOLATION = "How values between pixels are found: nearest, bilinear or bicubic."
_BACKGROUND = "Colour of what lies outside the image; transparent where the image has alpha."


class Transpose(Operation):
    """Mirror along a diagonal: rows become columns.

    Pixels move without a loss, whatever their channels and depth.
    """

    op: Literal["transpose"] = "transpose"
    diagonal: Literal["main", "anti"] = Field(
        "main",
        description="main leaves the top left and the bottom right corner in place, anti the "
        "other two.",
    )

    example: ClassVar = "transpose"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        turned = cv2.transpose(image)
        return turned if self.diagonal == "main" else cv2.flip(turned, -1)  # type: ignore[return-value]

    def output_size(self, size: Size) -> Size:
        return Size(size.height, size.width)


class Affine(Operation):
    """Move, turn, scale and shear by a matrix, as OpenCV's warpAffine does.

    The matrix [[a, b, x], [c, d, y]] takes the pixel at X, Y to a X + b Y + x, c X + d Y + y;
    whole numbers are the middles of pixels. The result shows its part from 0, 0 to width, height.
    Values are interpolated between two pixels, so shrink to less than a half with resize first.
    16-bit and gray images stay what they are; colour is weighted by alpha.
    """

    op: Literal["affine"] = "affine"
    matrix: tuple[Row, Row] = Field(
        description="Two rows of three numbers, from the coordinates of the image to those of "
        "the result, in pixels."
    )
    width: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="Width of the result in pixels; without it, it stays."
    )
    height: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="Height of the result in pixels; without it, it stays."
    )
    interpolation: Interpolation = Field("bilinear", description=_INTERPOLATION)
    background: Color = Field(Color("black"), description=_BACKGROUND)

    example: ClassVar = "affine=[[1,0.2,-20],[0,1,10]]"
    units: ClassVar = {"width": "px", "height": "px"}
    channelwise: ClassVar = True

    @field_validator("matrix")
    @classmethod
    def _not_singular(cls, matrix: tuple[Row, Row]) -> tuple[Row, Row]:
        largest, smallest = np.linalg.svd(np.array(matrix)[:, :2], compute_uv=False)
        if smallest <= _LEAST_RATIO * largest:
            raise ValueError(
                "the matrix is singular: it takes the image to a line or a point; "
                "a * d must differ from b * c"
            )
        return matrix

    def apply(self, image: Image) -> Image:
        size = self.output_size(size_of(image))
        if self.is_identity(size_of(image)):
            return image
        matrix = np.vstack([self.matrix, (0, 0, 1)])
        return warped(image, matrix, size, self.interpolation, self.background)

    def output_size(self, size: Size) -> Size:
        return Size(self.width or size.width, self.height or size.height)

    def is_identity(self, size: Size) -> bool:
        return self.matrix == _IDENTITY and self.output_size(size) == size


class Perspective(Operation):
    """Straighten a quadrilateral, such as a photographed page, into a rectangle.

    The corners lie between pixels: 0, 0 is the outer corner of the first pixel, width, height that
    of the last, and an upright rectangle is cut out as crop does. The map is OpenCV's
    getPerspectiveTransform. 16-bit and gray images stay what they are; colour is weighted by alpha.
    """

    op: Literal["perspective"] = "perspective"
    points: tuple[Point, Point, Point, Point] = Field(
        description="The corners [x, y], clockwise: what becomes the top left, top right, bottom "
        "right and bottom left."
    )
    width: int | None = Field(
        None,
        ge=1,
        le=MAX_SIDE,
        description="Width of the result in pixels; without it, the longer of the upper and the "
        "lower side.",
    )
    height: int | None = Field(
        None,
        ge=1,
        le=MAX_SIDE,
        description="Height of the result in pixels; without it, the longer of the left and the "
        "right side.",
    )
    unit: Literal["pixels", "fraction"] = Field(
        "pixels",
        description="Of the points: pixels, or fractions from 0 to 1 of the image's width and "
        "height.",
    )
    interpolation: Interpolation = Field("bilinear", description=_INTERPOLATION)
    background: Color = Field(Color("black"), description=_BACKGROUND)

    example: ClassVar = "perspective=[[0.1,0.1],[0.9,0.2],[0.8,0.9],[0.2,0.8]],unit=fraction"
    units: ClassVar = {"width": "px", "height": "px"}
    channelwise: ClassVar = True

    @field_validator("points")
    @classmethod
    def _convex(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if min(_sines(points)) < _LEAST_SINE:
            raise ValueError(
                "the points are no quadrilateral with four outward corners; give top left, top "
                "right, bottom right, bottom left, in this order"
            )
        return points

    @model_validator(mode="after")
    def _fractions(self) -> Self:
        values = itertools.chain.from_iterable(self.points)
        if self.unit == "fraction" and not all(0 <= value <= 1 for value in values):
            raise ValueError("with unit=fraction, all points lie between 0 and 1")
        return self

    def apply(self, image: Image) -> Image:
        size = size_of(image)
        if self.is_identity(size):
            return image
        target = self.output_size(size)
        source, corners = (
            np.array(points, np.float32) for points in (self._corners(size), _corners_of(target))
        )
        matrix = _shifted(-0.5) @ cv2.getPerspectiveTransform(source, corners) @ _shifted(0.5)
        return warped(image, matrix, target, self.interpolation, self.background)

    def output_size(self, size: Size) -> Size:
        upper, right, lower, left = map(math.dist, *_sides(self._corners(size)))
        width, height = round(max(upper, lower)), round(max(left, right))
        return Size(self.width or max(1, width), self.height or max(1, height))

    def is_identity(self, size: Size) -> bool:
        return self._corners(size) == _corners_of(size) and self.output_size(size) == size

    def _corners(self, size: Size) -> Points:
        """In pixels."""
        width, height = size if self.unit == "fraction" else (1, 1)
        return [(x * width, y * height) for x, y in self.points]


def warped(
    image: Image, matrix: Matrix, size: Size, interpolation: Interpolation, background: Color
) -> Image:
    """`image` mapped by the 3x3 `matrix`, from its coordinates to those of the result of `size`.

    Whole coordinates are the middles of pixels. Outside the image there is `background`, with
    alpha transparency. Without interpolation values are copied, with it colour is weighted by
    alpha.
    """
    border = border_value(bgr(background), image)
    settings: dict[str, Any] = {
        "flags": _FLAGS[interpolation],
        "borderMode": cv2.BORDER_CONSTANT,
        "borderValue": border if isinstance(border, tuple) else (border,),
    }

    def warp(image: Image) -> Image:
        if (matrix[2] == (0, 0, 1)).all():
            return cv2.warpAffine(image, matrix[:2], size, **settings)  # type: ignore[return-value]
        return cv2.warpPerspective(image, matrix, size, **settings)  # type: ignore[return-value]

    return warp(image) if interpolation == "nearest" else premultiplied(image, warp)


def _shifted(by: float) -> Matrix:
    """3x3: a move by as much in both directions."""
    return np.array([[1, 0, by], [0, 1, by], [0, 0, 1]])


def _corners_of(size: Size) -> Points:
    return [(0, 0), (size.width, 0), (size.width, size.height), (0, size.height)]


def _sides(points: Iterable[tuple[float, float]]) -> tuple[Points, Points]:
    """Where the four sides begin, and where they end."""
    begin = list(points)
    return begin, begin[1:] + begin[:1]


def _sines(points: tuple[Point, ...]) -> list[float]:
    """Of the turn at each corner, clockwise positive; 0 where a side has no length."""
    sides = [(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in zip(*_sides(points), strict=True)]
    turns = zip(sides, sides[1:] + sides[:1], strict=True)
    return [
        (one[0] * next[1] - one[1] * next[0]) / (math.hypot(*one) * math.hypot(*next) or 1)
        for one, next in turns
    ]
