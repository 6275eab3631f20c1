"""Operations that keep a part of the image, or cut it into parts."""

import itertools
from typing import Any, ClassVar, Literal

from pydantic import Field

from processors.interest import most_interesting
from processors.lengths import MAX_SIDE, Length, Offset, pixels
from processors.operation import Image, Operation, Size, size_of
from processors.placement import Gravity, placed
from processors.resample import Resample

_FALSE = {"None", "none", "False", "false"}
"""The words of the original server that switch splitting off; any other word switches it on."""


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
    """Keep a rectangle; what of it lies outside the image is left out.

    Lengths are pixels, or percentages of the image's width or height, rounded to pixels; a side
    has one at least. Gray, alpha and 16 bits stay what they are.
    """

    op: Literal["crop"] = "crop"
    x: Offset = Field(
        0, description="From the left, in pixels or percent; from where gravity says, inwards."
    )
    y: Offset = Field(
        0, description="From the top, in pixels or percent; from where gravity says, inwards."
    )
    width: Length = Field(description="Width in pixels or percent.")
    height: Length = Field(description="Height in pixels or percent.")
    gravity: Gravity = Field(
        "northwest",
        description="The side, corner or middle that x and y count from, each inwards; from the "
        "middle to the right and down.",
    )

    example: ClassVar = "crop=10,20,300,200"
    units: ClassVar = {"x": "px", "y": "px", "width": "px", "height": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        columns, rows = self._kept(size_of(image))
        return image[rows, columns]

    def output_size(self, size: Size) -> Size:
        columns, rows = self._kept(size)
        return Size(columns.stop - columns.start, rows.stop - rows.start)

    def is_identity(self, size: Size) -> bool:
        return self.output_size(size) == size

    def _kept(self, size: Size) -> tuple[slice, slice]:
        wanted = Size(
            max(1, pixels(self.width, size.width)), max(1, pixels(self.height, size.height))
        )
        offset = pixels(self.x, size.width), pixels(self.y, size.height)
        left, top = placed(size, wanted, self.gravity, offset)
        columns = slice(max(0, left), min(size.width, left + wanted.width))
        rows = slice(max(0, top), min(size.height, top + wanted.height))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            raise self.fail(f"the rectangle at {self.x},{self.y} lies outside the {size} image")
        return columns, rows


class SquareCrop(Operation):
    """Keep a square, the largest one or a smaller one.

    Gray, alpha and 16 bits stay what they are.
    """

    op: Literal["square_crop"] = "square_crop"
    side: int | None = Field(
        None,
        ge=1,
        le=MAX_SIDE,
        description="Side in pixels, if the image has as many; else the largest square is kept.",
    )
    gravity: Gravity = Field("center", description="Which part of the image is kept.")

    example: ClassVar = "square_crop=200"
    units: ClassVar = {"side": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        size = size_of(image)
        square = self.output_size(size)
        left, top = placed(size, square, self.gravity)
        return image[top : top + square.height, left : left + square.width]

    def output_size(self, size: Size) -> Size:
        side = min(size.width, size.height, self.side or MAX_SIDE)
        return Size(side, side)

    def is_identity(self, size: Size) -> bool:
        return self.output_size(size) == size


class SmartCrop(Operation):
    """Scale to cover a size exactly, and keep the part with the most detail and colour.

    As resize with fit=cover, but the part is the one with the most edges (absolute Laplacian) and
    colourfulness, found on a copy of at most 256 pixels a side. Gray images go by their edges;
    what is transparent is of no interest, and colour is weighted by alpha. 16-bit images stay what
    they are.
    """

    op: Literal["smart_crop"] = "smart_crop"
    width: int = Field(ge=1, le=MAX_SIDE, description="Width of the result in pixels.")
    height: int = Field(ge=1, le=MAX_SIDE, description="Height of the result in pixels.")

    aliases: ClassVar = ("smartcrop",)
    example: ClassVar = "smart_crop=200x150"
    units: ClassVar = {"width": "px", "height": "px"}

    def apply(self, image: Image) -> Image:
        window = self._window(size_of(image))
        left, top = most_interesting(image, window)
        part = image[top : top + window.height, left : left + window.width]
        target = self.output_size(window)
        return Resample(target, target).apply(part)

    def output_size(self, size: Size) -> Size:
        return Size(self.width, self.height)

    def _window(self, size: Size) -> Size:
        """The largest part of an image of `size` that has the proportion of the result."""
        scale = min(size.width / self.width, size.height / self.height)
        width, height = round(self.width * scale), round(self.height * scale)
        return Size(max(1, min(size.width, width)), max(1, min(size.height, height)))


class Zoom(Operation):
    """Enlarge a part of the image to the size of the whole, as a camera's digital zoom does.

    The part is 1/factor of both sides, rounded to whole pixels, and moved inwards where it would
    stick out. Interpolates (bilinear). 16-bit and gray images stay what they are; colour is
    weighted by alpha.
    """

    op: Literal["zoom"] = "zoom"
    factor: float = Field(ge=1, le=100, description="1 changes nothing, 2 shows half of each side.")
    x: float = Field(0.5, ge=0, le=1, description="Middle of the part; 0 is left, 1 right.")
    y: float = Field(0.5, ge=0, le=1, description="Middle of the part; 0 is at the top, 1 below.")

    example: ClassVar = "zoom=2"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        size = size_of(image)
        part = self._part(size)
        left = _start(self.x, part.width, size.width)
        top = _start(self.y, part.height, size.height)
        seen = image[top : top + part.height, left : left + part.width]
        return Resample(size, size, interpolation="bilinear").apply(seen)

    def is_identity(self, size: Size) -> bool:
        return self._part(size) == size

    def _part(self, size: Size) -> Size:
        width, height = round(size.width / self.factor), round(size.height / self.factor)
        return Size(max(1, width), max(1, height))


def _start(middle: float, part: int, whole: int) -> int:
    """Where a `part` begins that has its middle at `middle` (0 to 1), or as near as it can be."""
    return min(max(0, int(middle * whole - part / 2)), whole - part)
