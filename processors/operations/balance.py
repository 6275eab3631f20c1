"""Operations that measure the image and set its values right. Alpha stays as it is.

Pixels that are wholly transparent do not count.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from processors.alpha import full_scale
from processors.histogram import Mask, histogram, seen
from processors.levels import on_colour
from processors.operation import Image, Operation, channels_of


class Equalize(Operation):
    """Spread brightness so that every level is used about as often.

    Each luma Y (0.299 R + 0.587 G + 0.114 B) becomes the share of pixels that are no lighter, as
    OpenCV's equalizeHist; colour moves along in YCrCb. 16-bit images are counted in 65536 levels;
    gray stays gray, alpha stays, and what is wholly transparent is not counted.
    """

    op: Literal["equalize"] = "equalize"

    aliases: ClassVar = ("equalizeHist",)
    example: ClassVar = "equalize"

    def apply(self, image: Image) -> Image:
        mask = seen(image)
        return on_colour(image, lambda colour: _on_luma(colour, lambda luma: _spread(luma, mask)))


def _on_luma(colour: Image, changed: Callable[[Image], Image]) -> Image:
    if colour.ndim == 2:
        return changed(colour)
    parts = cv2.cvtColor(colour, cv2.COLOR_BGR2YCrCb)
    cv2.insertChannel(changed(cv2.extractChannel(parts, 0)), parts, 0)  # type: ignore[arg-type]
    return cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR)  # type: ignore[return-value]


def _spread(luma: Image, mask: Mask | None) -> Image:
    counts = histogram(luma, mask)
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return luma
    below = np.cumsum(counts) - counts[used[0]]
    table = np.clip(np.rint(below / below[-1] * full_scale(luma)), 0, None).astype(luma.dtype)
    return cv2.LUT(luma, table)  # type: ignore[return-value]


class AutoLevels(Operation):
    """Stretch values so that the darkest become black and the lightest white.

    In each channel, or in all alike by the luma. A few pixels at either end may be left beyond. A
    channel with one value stays. Gray and 16-bit images stay what they are; alpha stays, and what
    is wholly transparent is not counted.
    """

    op: Literal["auto_levels"] = "auto_levels"
    clip: float = Field(
        0.5, ge=0, lt=50, description="Percent of the pixels that may lie beyond either end."
    )
    channels: Literal["each", "together"] = Field(
        "each", description="each also removes a cast of colour; together keeps hues."
    )

    example: ClassVar = "auto_levels=0.5"
    units: ClassVar = {"clip": "%"}

    def apply(self, image: Image) -> Image:
        mask = seen(image)
        return on_colour(image, lambda colour: self._stretched(colour, mask))

    def _stretched(self, colour: Image, mask: Mask | None) -> Image:
        if colour.ndim == 2:
            return cv2.LUT(colour, self._table(colour, mask))  # type: ignore[return-value]
        if self.channels == "together":
            luma = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
            return cv2.LUT(colour, self._table(luma, mask))  # type: ignore[arg-type,return-value]
        parts: Any = cv2.split(colour)
        return cv2.merge([cv2.LUT(part, self._table(part, mask)) for part in parts])  # type: ignore[return-value]

    def _table(self, channel: Image, mask: Mask | None) -> NDArray[Any]:
        counts, white = histogram(channel, mask), full_scale(channel)
        beyond = counts.sum() * self.clip // 100
        values = np.arange(white + 1, dtype=np.float64)
        low = int(np.argmax(np.cumsum(counts) > beyond))
        high = white - int(np.argmax(np.cumsum(counts[::-1]) > beyond))
        if low < high and counts.any():
            values = np.clip((values - low) * (white / (high - low)), 0, white)
        return np.rint(values).astype(channel.dtype)


class WhiteBalance(Operation):
    """Take away a cast of colour.

    `gray_world` scales the channels so that their means are equal, `white_patch` so that the
    99th percentile of each is white. Gray images stay what they are, 16-bit ones too; alpha stays,
    and what is wholly transparent is not counted.
    """

    op: Literal["white_balance"] = "white_balance"
    method: Literal["gray_world", "white_patch"] = Field(
        "gray_world", description="What is taken for white: the mean, or the lightest pixels."
    )

    example: ClassVar = "white_balance=gray_world"

    def apply(self, image: Image) -> Image:
        if channels_of(image) == 1:
            return image
        mask = seen(image)
        return on_colour(image, lambda colour: self._balanced(colour, mask))

    def _balanced(self, colour: Image, mask: Mask | None) -> Image:
        parts: Any = cv2.split(colour)
        counts = [histogram(part, mask) for part in parts]
        if not counts[0].any():
            return colour
        white = full_scale(colour)
        levels = np.array([self._level(part) for part in counts])
        aim = levels.mean() if self.method == "gray_world" else white
        gains = np.where(levels > 0, aim / np.maximum(levels, 1e-9), 1)
        values = np.outer(gains, np.arange(white + 1))
        tables = np.clip(np.rint(values), 0, white).astype(colour.dtype)
        return cv2.merge([*map(cv2.LUT, parts, tables)])  # type: ignore[return-value]

    def _level(self, counts: NDArray[np.float64]) -> float:
        if self.method == "gray_world":
            return float(counts @ np.arange(len(counts)) / counts.sum())
        return float(np.argmax(np.cumsum(counts) >= counts.sum() * 0.99))


class Clahe(Operation):
    """Equalize brightness tile by tile, with limited contrast (CLAHE).

    OpenCV's CLAHE on the luma; colour moves along in YCrCb. It is worked out on 8 bits: a 16-bit
    luma moves by the same amount and keeps its finer levels. Gray stays gray; alpha stays.
    """

    op: Literal["clahe"] = "clahe"
    clip_limit: float = Field(
        2, gt=0, le=100, description="Limit of contrast, in shares of an even histogram."
    )
    tiles: int = Field(8, ge=1, le=32, description="Tiles along each side.")

    example: ClassVar = "clahe=2"

    def apply(self, image: Image) -> Image:
        return on_colour(image, lambda colour: _on_luma(colour, self._equalized))

    def _equalized(self, luma: Image) -> Image:
        clahe = cv2.createCLAHE(self.clip_limit, (self.tiles, self.tiles))
        if luma.dtype == np.uint8:
            return clahe.apply(luma)  # type: ignore[return-value]
        before = cv2.convertScaleAbs(luma, alpha=1 / 257)
        moved = cv2.subtract(clahe.apply(before), before, dtype=cv2.CV_32F)
        finer = cv2.scaleAdd(moved, 257, luma.astype(np.float32))
        return finer.clip(0, 65535).astype(np.uint16)
