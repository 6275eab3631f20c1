"""Operations that draw frames, corners and lines."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from processors.alpha import flatten
from processors.colours import Color, bgr
from processors.compositing import Floats, Place, bands, fill, opaque, over, paint_of
from processors.lengths import MAX_SIDE, Offset, pixels
from processors.neighbours import rounded
from processors.operation import Image, Operation, Size, channels_of, size_of


class Border(Operation):
    """Draw a frame around the image, which grows by it on each side.

    The frame is opaque, also around an image with alpha. Gray images stay gray: so does the
    frame. 16-bit images stay what they are.
    """

    op: Literal["border"] = "border"
    width: int = Field(ge=0, le=10_000, description="Width of the frame in pixels.")
    color: Color = Field(Color("black"), description="Its colour; an alpha is left out.")

    example: ClassVar = "border=10,white"
    units: ClassVar = {"width": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        sides = (self.width,) * 4
        value = opaque(self.color, image)
        return cv2.copyMakeBorder(  # type: ignore[return-value]
            np.ascontiguousarray(image), *sides, cv2.BORDER_CONSTANT, value=value
        )

    def output_size(self, size: Size) -> Size:
        return Size(size.width + 2 * self.width, size.height + 2 * self.width)

    def is_identity(self, size: Size) -> bool:
        return self.width == 0


class RoundCorners(Operation):
    """Cut the corners off along circles.

    The cut-off is transparent: the result has four channels, gray images too, and what alpha there
    was is multiplied. With a background the result has no alpha: the image is laid onto that
    colour, and gray stays gray. 16-bit images stay what they are. A pixel's share of the circle is
    taken as r + 1/2 - d, limited to 0 and 1, for its distance d from the centre.
    """

    op: Literal["round_corners"] = "round_corners"
    radius: Offset = Field(
        description="Pixels, or a percentage of the shorter side; half of that side at most.",
    )
    background: Color | None = Field(
        None, description="Colour behind the corners; none makes them transparent."
    )

    example: ClassVar = "round_corners=20"
    units: ClassVar = {"radius": "px"}

    def apply(self, image: Image) -> Image:
        return self._cut(image) if self.background is None else self._laid(image, self.background)

    def output_channels(self, channels: int) -> int:
        if self.background is None:
            return 4
        return 3 if channels == 4 else channels

    def _cut(self, image: Image) -> Image:
        result = with_alpha(image)
        alpha = result[..., 3]
        for place, seen in self._corners(size_of(image)):
            alpha[place] = rounded(alpha[place] * seen, image)
        return result

    def _laid(self, image: Image, background: Color) -> Image:
        if channels_of(image) == 4:
            image = flatten(image, bgr(background))
        result: Image = np.array(image, order="C")  # type: ignore[assignment]
        paint = paint_of(background, result)
        for place, seen in self._corners(size_of(image)):
            result[place] = over(result[place], paint, 1 - seen)
        return result

    def _corners(self, size: Size) -> Iterator[tuple[Place, Floats]]:
        """Some rows of the four corners at once: where they are, and how much of them is seen."""
        shorter = min(size)
        radius = min(pixels(self.radius, shorter), shorter / 2)
        across, down = _beyond(size.width, radius), _beyond(size.height, radius)
        columns = np.flatnonzero(across)
        for rows in bands(np.flatnonzero(down)):
            distance = np.hypot(down[rows, np.newaxis], across[columns])
            yield np.ix_(rows, columns), np.clip(radius + 0.5 - distance, 0, 1)


def with_alpha(image: Image) -> Image:
    """A copy of `image` as BGRA, opaque when it has no alpha."""
    if channels_of(image) == 4:
        return np.array(image, order="C")  # type: ignore[return-value]
    code = cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_BGR2BGRA
    return cv2.cvtColor(image, code)  # type: ignore[return-value]


def _beyond(length: int, radius: float) -> Floats:
    """How far the middle of each pixel of a side is beyond the centres of its ends' circles."""
    middles = np.arange(length, dtype=np.float32) + np.float32(0.5)
    beyond: Floats = np.maximum(radius - middles, middles - (length - radius))
    beyond[beyond < 0] = 0
    return beyond


class Grid(Operation):
    """Draw lines at every so many pixels over the image.

    The first lines begin that far from the left and from the top. They are laid by Porter-Duff's
    "over": the alpha of the image grows where they are. Gray images stay gray: so do the lines.
    16-bit images stay what they are.
    """

    op: Literal["grid"] = "grid"
    spacing: int = Field(ge=1, le=MAX_SIDE, description="Pixels from one line to the next.")
    width: int = Field(1, ge=1, le=1000, description="Width of a line in pixels.")
    color: Color = Field(Color("white"), description="Colour of the lines; an alpha is left out.")
    opacity: float = Field(0.5, ge=0, le=1, description="0 is unseen, 1 covers the image.")

    example: ClassVar = "grid=50"
    units: ClassVar = {"spacing": "px", "width": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        result: Image = np.array(image, order="C")  # type: ignore[assignment]
        height, width = image.shape[:2]
        down, across = self._on_line(height), self._on_line(width)
        lines, between = np.flatnonzero(down), np.flatnonzero(~down)
        fill(result, lines, np.arange(width), self.color, self.opacity)
        fill(result, between, np.flatnonzero(across), self.color, self.opacity)
        return result

    def is_identity(self, size: Size) -> bool:
        return self.opacity == 0 or self.spacing >= max(size)

    def _on_line(self, length: int) -> NDArray[np.bool_]:
        places = np.arange(length)
        return (places >= self.spacing) & (places % self.spacing < self.width)
