"""Operations that change where pixels are, or how many."""

import itertools
import math
from typing import Any, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, field_validator, model_validator

from processors.alpha import premultiplied
from processors.colours import Color, bgr
from processors.operation import Image, Operation, Size, size_of
from processors.resample import Resample, border_value

MAX_SIDE = 65_535
"""Pixels; the largest width and height that any of the formats can state."""

_QUARTER_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {"horizontal": 1, "vertical": 0, "both": -1}
_LEAST_NO_FACTOR = 100
_FALSE = {"None", "none", "False", "false"}
"""The words of the original server that switch splitting off; any other word switches it on."""


class Resize(Operation):
    """Scale by a factor, or to a width and/or a height.

    Shrinking takes the mean of the area behind each pixel (INTER_AREA). With one side given, the
    other follows in proportion. 16-bit and gray images stay what they are; colour is weighted by
    alpha.
    """

    op: Literal["resize"] = "resize"
    factor: float | None = Field(
        None, ge=0.05, lt=100, description="Scale of both sides; each becomes int(side * factor)."
    )
    width: int | None = Field(None, ge=1, le=MAX_SIDE, description="Width in pixels.")
    height: int | None = Field(None, ge=1, le=MAX_SIDE, description="Height in pixels.")
    fit: Literal["stretch", "inside", "cover", "contain"] = Field(
        "stretch",
        description="With width and height: stretch to them; fit inside them; cover them and cut "
        "what sticks out, centred; or contain, which fits inside and pads to them.",
    )
    background: Color = Field(
        Color("black"),
        description="Colour of the padding of `contain`; transparent where the image has alpha.",
    )

    aliases: ClassVar = ("scale",)
    example: ClassVar = "resize=0.5"
    channelwise: ClassVar = True

    @field_validator("factor", mode="before")
    @classmethod
    def _no_width(cls, value: Any) -> Any:
        """Whoever writes `resize=400` means pixels."""
        text = str(value)
        if text.isdigit() and int(text[:9]) >= _LEAST_NO_FACTOR:
            raise ValueError(f"{text[:9]} is no factor; for a width in pixels write {text[:9]}x")
        return value

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        sides = (self.width, self.height)
        if self.factor is not None and sides != (None, None):
            raise ValueError("give a factor, or a width and/or a height, not both")
        if self.factor is None and sides == (None, None):
            raise ValueError("give a factor, or a width and/or a height")
        if self.fit != "stretch" and None in sides:
            raise ValueError(f"fit={self.fit} needs a width and a height")
        return self

    def apply(self, image: Image) -> Image:
        return self.resolve(size_of(image)).apply(image)

    def output_size(self, size: Size) -> Size:
        return self.resolve(size).size

    def is_identity(self, size: Size) -> bool:
        return self.resolve(size).is_identity(size)

    def resolve(self, size: Size) -> Resample:
        """The same resize in pixels, for an image of `size`. Raises StepFailed."""
        if self.factor is not None:
            scaled = Size(int(size.width * self.factor), int(size.height * self.factor))
            if 0 in scaled:
                raise self.fail(f"{size} times {self.factor} leaves no pixel; use a larger factor")
            return Resample(scaled, scaled)
        box = self._box(size)
        scaled = self._scaled(size, box)
        return Resample(scaled, scaled if self.fit == "inside" else box, bgr(self.background))

    def _box(self, size: Size) -> Size:
        width = self.width or max(1, round(size.width * (self.height or 1) / size.height))
        height = self.height or max(1, round(size.height * (self.width or 1) / size.width))
        return Size(width, height)

    def _scaled(self, size: Size, box: Size) -> Size:
        if self.fit == "stretch":
            return box
        ratios = (box.width / size.width, box.height / size.height)
        scale = max(ratios) if self.fit == "cover" else min(ratios)
        width, height = round(size.width * scale), round(size.height * scale)
        if self.fit == "cover":
            return Size(max(box.width, width), max(box.height, height))
        return Size(min(box.width, max(1, width)), min(box.height, max(1, height)))


class Split(Operation):
    """Cut into rows and columns; each part goes on as an image of its own.

    The parts come row by row, left to right. Cuts are at int(side * k / parts), so that every
    pixel is in one part. In text, one value is a switch: `split=True` cuts into quadrants,
    `split=False` (or none) does not cut; two values are rows and columns.
    """

    op: Literal["split"] = "split"
    rows: int = Field(2, ge=1, le=100, description="Parts on top of one another.")
    columns: int = Field(2, ge=1, le=100, description="Parts side by side.")

    aliases: ClassVar = ("splitQuadrants",)
    example: ClassVar = "split=2,3"
    channelwise: ClassVar = True

    @classmethod
    def parse_text(cls, arguments: str | None) -> dict[str, Any]:
        if arguments and not any(char in arguments for char in ",={"):
            return {"rows": 1, "columns": 1} if arguments in _FALSE else {}
        return super().parse_text(arguments)

    def text(self) -> str:
        return f"{self.op}={self.rows},{self.columns}"

    def produce(self, image: Image) -> list[Image]:
        return [image[rows, columns] for rows, columns in self._parts(size_of(image))]

    def output_sizes(self, size: Size) -> list[Size]:
        return [
            Size(columns.stop - columns.start, rows.stop - rows.start)
            for rows, columns in self._parts(size)
        ]

    def is_identity(self, size: Size) -> bool:
        return self.rows == self.columns == 1

    def _parts(self, size: Size) -> list[tuple[slice, slice]]:
        if self.columns > size.width or self.rows > size.height:
            raise self.fail(
                f"{size} has too few pixels for {self.rows} rows, {self.columns} columns"
            )
        rows, columns = _cut(size.height, self.rows), _cut(size.width, self.columns)
        return list(itertools.product(rows, columns))


def _cut(length: int, parts: int) -> list[slice]:
    cuts = [length * part // parts for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(cuts)]


class Crop(Operation):
    """Keep a rectangle; what of it lies outside the image is left out."""

    op: Literal["crop"] = "crop"
    x: int = Field(0, ge=0, le=MAX_SIDE, description="Left edge in pixels from the left.")
    y: int = Field(0, ge=0, le=MAX_SIDE, description="Top edge in pixels from the top.")
    width: int = Field(ge=1, le=MAX_SIDE, description="Width in pixels.")
    height: int = Field(ge=1, le=MAX_SIDE, description="Height in pixels.")

    example: ClassVar = "crop=10,20,300,200"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        width, height = self.output_size(size_of(image))
        return image[self.y : self.y + height, self.x : self.x + width]

    def output_size(self, size: Size) -> Size:
        if self.x >= size.width or self.y >= size.height:
            raise self.fail(f"the rectangle at {self.x},{self.y} lies outside the {size} image")
        return Size(min(self.width, size.width - self.x), min(self.height, size.height - self.y))

    def is_identity(self, size: Size) -> bool:
        return self.output_size(size) == size


class Rotate(Operation):
    """Turn clockwise by any angle.

    Quarter turns move pixels without a loss; other angles interpolate (bilinear). The corners
    that appear take `background`, or are transparent where the image has alpha.
    """

    op: Literal["rotate"] = "rotate"
    degrees: float = Field(ge=-3600, le=3600, description="Angle, clockwise.")
    expand: bool = Field(
        True, description="Grow the image so that nothing is cut off; else its size is kept."
    )
    background: Color = Field(Color("black"), description="Colour of the corners.")

    example: ClassVar = "rotate=90"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        angle = self.degrees % 360
        if angle == 0:
            return image
        if angle in _QUARTER_TURNS and (self.expand or angle == 180):
            return cv2.rotate(image, _QUARTER_TURNS[int(angle)])  # type: ignore[return-value]
        return premultiplied(image, self._warp)

    def output_size(self, size: Size) -> Size:
        if not self.expand:
            return size
        cos, sin = self._cos_sin()
        # A quarter turn's cosine is 6e-17, not 0: round before rounding up.
        width = math.ceil(round(size.width * abs(cos) + size.height * abs(sin), 6))
        height = math.ceil(round(size.width * abs(sin) + size.height * abs(cos), 6))
        return Size(max(1, width), max(1, height))

    def is_identity(self, size: Size) -> bool:
        return self.degrees % 360 == 0

    def _cos_sin(self) -> tuple[float, float]:
        radians = math.radians(self.degrees % 360)
        return math.cos(radians), math.sin(radians)

    def _warp(self, image: Image) -> Image:
        size = self.output_size(size_of(image))
        border = border_value(bgr(self.background), image)
        return cv2.warpAffine(  # type: ignore[return-value]
            image,
            self._matrix(size_of(image), size),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border if isinstance(border, tuple) else (border,),
        )

    def _matrix(self, source: Size, target: Size) -> np.ndarray[Any, np.dtype[np.float64]]:
        """2x3: the turn that takes the centre of `source` to the centre of `target`."""
        cos, sin = self._cos_sin()
        x, y = (source.width - 1) / 2, (source.height - 1) / 2
        to_x, to_y = (target.width - 1) / 2, (target.height - 1) / 2
        return np.array(
            [[cos, -sin, to_x - cos * x + sin * y], [sin, cos, to_y - sin * x - cos * y]]
        )


class Flip(Operation):
    """Mirror left to right, top to bottom, or both."""

    op: Literal["flip"] = "flip"
    direction: Literal["horizontal", "vertical", "both"] = Field(
        "horizontal", description="horizontal swaps left and right, vertical top and bottom."
    )

    example: ClassVar = "flip=horizontal"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        return cv2.flip(image, _FLIPS[self.direction])  # type: ignore[return-value]
