"""Resizing to an exact size, and the fast form of shrinking by area.

INTER_AREA weighs every source pixel by the share that falls into a target pixel: the right answer
for shrinking, but up to ten times slower at a ratio that is no integer, where OpenCV has no vector
code. `shrink_in_two_steps` gives nearly the same pixels (on photographs SSIM above 0.99 up to a
ratio of 4, above 0.97 beyond) from two fast steps: bilinear to twice the target, then the exact
mean of 2x2 pixels.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from processors.alpha import full_scale, premultiplied
from processors.operation import Image, Size, StepDefaults, channels_of, size_of


def shrink_in_two_steps(image: Image, size: Size) -> Image:
    """`image` at `size`, which is no larger on either side."""
    while image.shape[1] >= 4 * size.width and image.shape[0] >= 4 * size.height:
        image = _halve(image)
    double = (2 * size.width, 2 * size.height)
    image = cv2.resize(image, double, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def by_area(image: Image, size: Size) -> Image:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _halve(image: Image) -> Image:
    """The mean of each 2x2 pixels; an odd last row or column is left out."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    return by_area(image[:height, :width], Size(width // 2, height // 2))


@dataclass(frozen=True, slots=True)
class Resample(StepDefaults):
    """A resize whose sizes are known: scale to `scaled`, then cut or pad, centred, to `size`."""

    scaled: Size
    size: Size
    background: tuple[int, int, int] = (0, 0, 0)
    two_steps: bool = False
    op: str = "resize"
    channelwise: ClassVar[bool] = True

    def apply(self, image: Image) -> Image:
        if size_of(image) != self.scaled:
            shrink = shrink_in_two_steps if self.two_steps else by_area
            image = premultiplied(image, lambda straight: shrink(straight, self.scaled))
        return self._fit(image) if self.size != self.scaled else image

    def output_size(self, size: Size) -> Size:
        return self.size

    def is_identity(self, size: Size) -> bool:
        return size == self.scaled == self.size

    def shrinks_unevenly(self, size: Size) -> bool:
        """Whether both sides of `size` shrink, by ratios that are not both integers."""
        shrinks = self.scaled.width < size.width and self.scaled.height < size.height
        return shrinks and bool(size.width % self.scaled.width or size.height % self.scaled.height)

    def describe(self) -> str:
        how = " in two steps" if self.two_steps else ""
        cut = f", then {self.size}" if self.size != self.scaled else ""
        return f"resize to {self.scaled}{how}{cut}"

    def _fit(self, image: Image) -> Image:
        left, top = (self.scaled.width - self.size.width) // 2, _half_of(self.scaled, self.size)
        if left >= 0 and top >= 0:
            return image[top : top + self.size.height, left : left + self.size.width]
        return self._pad(image)

    def _pad(self, image: Image) -> Image:
        shape = (self.size.height, self.size.width, *image.shape[2:])
        canvas = np.empty(shape, image.dtype)
        canvas[:] = border_value(self.background, image)
        left = (self.size.width - self.scaled.width) // 2
        top = (self.size.height - self.scaled.height) // 2
        canvas[top : top + self.scaled.height, left : left + self.scaled.width] = image
        return canvas


def _half_of(scaled: Size, size: Size) -> int:
    return (scaled.height - size.height) // 2


def border_value(background: tuple[int, int, int], image: Image) -> tuple[int, ...] | int:
    """`background` (B, G, R of 255) in the channels and depth of `image`; with alpha, transparent.

    Gray takes the luma of ITU-R BT.601, as OpenCV's conversion does.
    """
    blue, green, red = (round(value * full_scale(image) / 255) for value in background)
    if channels_of(image) == 4:
        return (blue, green, red, 0)
    if channels_of(image) == 3:
        return (blue, green, red)
    return round(0.114 * blue + 0.587 * green + 0.299 * red)
