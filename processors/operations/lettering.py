"""Operations that write."""

import math
import unicodedata
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from processors.colours import Color
from processors.compositing import along, bands, lay, opaque, over, paint_of, standing
from processors.operation import Image, Operation, Size, size_of
from processors.placement import Gravity

_LINE, _DESCENT = 1.3, 0.25
"""From one line to the next and below the last one, of the font's size."""

_OVERHANG, _BOX = 0.1, 0.3
"""Around the text without and with a box behind it, of the font's size."""

_WEIGHT = 400
_NO_WRAP = (-10_000_000, 10_000_000)
_HALF = 128
_RIGHT_TO_LEFT = ("R", "AL")
_CONTROLS = ("Cc", "Cs")

Mask = NDArray[np.uint8]
"""(H, W), 0 to 255: how much of a pixel is covered."""


class Block(NamedTuple):
    """Lines of text with their widths, and the size of all with what is around, in pixels."""

    lines: tuple[tuple[str, int], ...]
    size: Size


class Text(Operation):
    """Write on the image.

    The font is OpenCV's own, with Latin, Greek, Cyrillic, Chinese, Japanese and Korean; a character
    that it lacks becomes a question mark, and text from right to left is refused: OpenCV does not
    order it. Text is smooth at its edges, and cut at the edges of the image. It is laid by
    Porter-Duff's "over": the alpha of the image grows where it is written on. Gray images stay
    gray, 16-bit images stay what they are. In the text form, content with a comma or an equals sign
    is quoted: `text="a, b\\nc"`.
    """

    op: Literal["text"] = "text"
    content: str = Field(
        min_length=1, max_length=1000, description="What to write; a line break begins a new line."
    )
    gravity: Gravity = Field("southeast", description="Where the text stands.")
    margin: int = Field(16, ge=0, le=10_000, description="Pixels from the text to the edges.")
    size: int = Field(
        32,
        ge=1,
        le=1000,
        description="Size of the font in pixels; capitals are three quarters as high.",
    )
    color: Color = Field(Color("white"), description="Colour of the letters.")
    outline: int = Field(0, ge=0, le=100, description="Width of an outline in pixels.")
    outline_color: Color = Field(Color("black"), description="Colour of the outline.")
    background: Color | None = Field(None, description="Colour of a box behind the text.")
    opacity: float = Field(1, ge=0, le=1, description="Of it all: 0 is unseen, 1 is opaque.")

    example: ClassVar = "text=Darkroom"
    units: ClassVar = {"margin": "px", "size": "px", "outline": "px"}
    channelwise: ClassVar = True

    @field_validator("content")
    @classmethod
    def _can_be_written(cls, content: str) -> str:
        content = content.replace("\r\n", "\n")
        for char in content:
            if char != "\n" and unicodedata.category(char) in _CONTROLS:
                raise ValueError(f"the control character {char!a} cannot be written")
            if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT:
                raise ValueError(f"{char!r}: only text from left to right can be written")
        return content

    def apply(self, image: Image) -> Image:
        result: Image = np.array(image, order="C")  # type: ignore[assignment]
        block = self._block()
        left, top = standing(size_of(image), block.size, self.gravity, self.margin)
        corner = (max(left, 0), max(top, 0))
        size = Size(
            min(left + block.size.width, image.shape[1]) - corner[0],
            min(top + block.size.height, image.shape[0]) - corner[1],
        )
        if min(size) > 0:
            layer = self._layer(block, (left - corner[0], top - corner[1]), size)
            rows = along(image.shape[0], corner[1], size.height)
            lay(result, layer, rows, along(image.shape[1], corner[0], size.width), self.opacity)
        return result

    def is_identity(self, size: Size) -> bool:
        return self.opacity == 0

    def _block(self) -> Block:
        texts = unicodedata.normalize("NFC", self.content).split("\n")
        widths = [_width(text, self.size) for text in texts]
        height = round(self.size * (1 + _DESCENT + _LINE * (len(texts) - 1)))
        padding = 2 * self._padding()
        size = Size(max(widths) + padding, height + padding)
        return Block(tuple(zip(texts, widths, strict=True)), size)

    def _padding(self) -> int:
        share = _OVERHANG if self.background is None else _BOX
        return self.outline + math.ceil(share * self.size)

    def _layer(self, block: Block, start: tuple[int, int], size: Size) -> Image:
        """What is laid over the image, BGRA of `size`, with the block beginning at `start`."""
        layer = np.zeros((size.height, size.width, 4), np.uint8)
        if self.background is not None:
            layer[:] = opaque(self.background, layer)
        # Letters beyond the edge of the image may have an outline inside of it.
        letters = self._letters(block, start, size, self.outline)
        if self.outline:
            inside = (slice(self.outline, -self.outline),) * 2
            _cover(layer, self.outline_color, _widened(letters, self.outline)[inside])
            letters = letters[inside]
        _cover(layer, self.color, letters)
        return layer

    def _letters(self, block: Block, start: tuple[int, int], size: Size, around: int) -> Mask:
        """The letters alone, in `size` and `around` pixels more on each side."""
        mask = np.zeros((size.height + 2 * around, size.width + 2 * around), np.uint8)
        left, baseline = start[0] + around + self._padding(), start[1] + around + self._padding()
        widest = block.size.width - 2 * self._padding()
        for number, (text, width) in enumerate(block.lines):
            y = baseline + round(self.size * (1 + _LINE * number))
            x = left + self._indent(widest - width)
            if -self.size < y < mask.shape[0] + 2 * self.size:
                _write(mask, text, (x, y), self.size)
        return mask

    def _indent(self, room: int) -> int:
        if self.gravity.endswith("west"):
            return 0
        return room if self.gravity.endswith("east") else room // 2


def _cover(layer: Image, color: Color, mask: Mask) -> None:
    """Lay `color` over `layer` in place, where and as far as `mask` says."""
    paint = paint_of(color, layer)
    for rows in bands(np.arange(len(mask))):
        coverage = mask[rows].astype(np.float32) / np.float32(255)
        layer[rows] = over(layer[rows], paint, coverage)


def _widened(mask: Mask, by: int) -> Mask:
    """`mask`, and what is at most `by` pixels away from it, by the exact Euclidean distance."""
    outside = (mask < _HALF).astype(np.uint8)
    if outside.all():
        return mask
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near = np.clip(by + 0.5 - distance, 0, 1, out=distance)
    near *= 255
    return np.maximum(mask, near.astype(np.uint8))


@cache
def _font() -> Any:
    return cv2.FontFace("sans")


def _width(text: str, size: int) -> int:
    found = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, _WEIGHT, 0, _NO_WRAP)
    return found[2]


def _write(mask: Mask, text: str, at: tuple[int, int], size: int) -> None:
    cv2.putText(mask, text, at, (255,), _font(), size, _WEIGHT, 0, _NO_WRAP)
