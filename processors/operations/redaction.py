"""Operations that hide parts of the image."""

from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field, field_validator

from processors.alpha import premultiplied
from processors.colours import Color
from processors.compositing import opaque
from processors.lengths import MAX_SIDE
from processors.operation import Image, Operation, Size, size_of

_MAX_BOXES = 1000
_MOST_COVERED = 10
_ALWAYS_COVERED = 1_000_000
_LEAST_BLOCK = 8

Place = Annotated[int, Field(ge=-MAX_SIDE, le=MAX_SIDE)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Box = tuple[Place, Place, Side, Side]


class Redact(Operation):
    """Hide what is inside boxes.

    `fill` paints them, and makes them opaque where the image has alpha. `pixelate` leaves the mean
    of each block, `blur` interpolates between the means: both have only what the few means tell,
    and take no pixel from outside of the box; colour is weighted by alpha, and alpha is averaged
    too. Whoever guesses text can tell whether its means fit: for secrets, fill. What of a box lies
    outside the image is left out. Gray images stay gray, 16-bit images stay what they are.
    """

    op: Literal["redact"] = "redact"
    boxes: tuple[Box, ...] = Field(
        min_length=1,
        max_length=_MAX_BOXES,
        description="Boxes, each as [x, y, width, height] in pixels from the top left.",
    )
    mode: Literal["fill", "blur", "pixelate"] = Field(
        "fill", description="Paint the boxes, or blur or pixelate what is in them."
    )
    color: Color = Field(Color("black"), description="Colour of `fill`; an alpha is left out.")
    strength: float = Field(
        0.5,
        ge=0.1,
        le=1,
        description="Side of a block of `blur` and `pixelate`, as a share of the shorter side of "
        "the box; 8 pixels at least.",
    )

    example: ClassVar = "redact=[[20,30,100,50]]"
    units: ClassVar = {"boxes": "px"}
    channelwise: ClassVar = True

    @field_validator("boxes", mode="before")
    @classmethod
    def _are_boxes(cls, boxes: Any) -> Any:
        """One sentence for what would be one for each number."""
        found = boxes if isinstance(boxes, list | tuple) else [boxes]
        if not all(isinstance(box, list | tuple) and len(box) == 4 for box in found):
            raise ValueError("give a list of boxes: [[x, y, width, height], ...]")
        return boxes

    def apply(self, image: Image) -> Image:
        result: Image = np.array(image, order="C")  # type: ignore[assignment]
        for rows, columns in self._cut(size_of(image)):
            if self.mode == "fill":
                result[rows, columns] = opaque(self.color, image)
            else:
                part: Image = np.ascontiguousarray(result[rows, columns])  # type: ignore[assignment]
                result[rows, columns] = premultiplied(part, self._coarse)
        return result

    def output_size(self, size: Size) -> Size:
        self._cut(size)
        return size

    def _cut(self, size: Size) -> list[tuple[slice, slice]]:
        """The boxes as rows and columns of an image of `size`. Raises StepFailed."""
        found = [self._inside(box, size) for box in dict.fromkeys(self.boxes)]
        covered = sum(_pixels(rows) * _pixels(columns) for rows, columns in found)
        if covered > max(_ALWAYS_COVERED, _MOST_COVERED * size.pixels):
            raise self.fail(
                f"the boxes cover {covered / size.pixels:.0f} times the pixels of the image; "
                f"{_MOST_COVERED} times is the limit: leave out boxes inside of others"
            )
        return found

    def _inside(self, box: Box, size: Size) -> tuple[slice, slice]:
        x, y, width, height = box
        rows = slice(max(y, 0), min(y + height, size.height))
        columns = slice(max(x, 0), min(x + width, size.width))
        if _pixels(rows) <= 0 or _pixels(columns) <= 0:
            raise self.fail(f"the box {[*box]} lies outside the {size} image: it hides nothing")
        return rows, columns

    def _coarse(self, part: Image) -> Image:
        size = size_of(part)
        block = max(_LEAST_BLOCK, round(self.strength * min(size)))
        few = Size(-(-size.width // block), -(-size.height // block))
        means = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
        way = cv2.INTER_LINEAR if self.mode == "blur" else cv2.INTER_NEAREST
        return cv2.resize(means, size, interpolation=way)  # type: ignore[return-value]


def _pixels(part: slice) -> int:
    return int(part.stop - part.start)
