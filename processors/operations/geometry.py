"""Operations that scale, turn and mirror."""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import cv2
import numpy as np
from pydantic import Field, field_validator, model_validator

from processors.alpha import premultiplied
from processors.colours import Color, bgr
from processors.lengths import MAX_SIDE
from processors.operation import Image, Operation, Size, size_of
from processors.placement import Gravity
from processors.resample import Interpolation, Resample, Resizing, border_value

_QUARTER_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {"horizontal": 1, "vertical": 0, "both": -1}
_LEAST_NO_FACTOR = 100


class Resize(Resizing):
    """Scale by a factor, or to a width and/or a height.

    Shrinking takes the mean of the area behind each pixel (INTER_AREA); interpolations other than
    auto and area look at a few pixels only, and alias when shrinking by more than a half. With one
    side given, the other follows in proportion. 16-bit and gray images stay what they are; colour
    is weighted by alpha, save for nearest, which mixes none.
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
        "what sticks out; or contain, which fits inside and pads to them.",
    )
    background: Color = Field(
        Color("black"),
        description="Colour of the padding of `contain`; transparent where the image has alpha.",
    )
    interpolation: Interpolation = Field(
        "auto",
        description="How pixels between pixels are found. auto is area, or, when shrinking with "
        "`fidelity` fast, a faster way that looks the same.",
    )
    enlarge: bool = Field(
        True,
        description="If not, no side is scaled up: an image smaller than asked for keeps its "
        "size, and `contain` pads around it.",
    )
    gravity: Gravity = Field(
        "center",
        description="What `cover` keeps, and where in its padding `contain` puts the image.",
    )

    aliases: ClassVar = ("scale", "rs")
    example: ClassVar = "resize=0.5"
    units: ClassVar = {"width": "px", "height": "px"}

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

    def resolve(self, size: Size) -> Resample:
        scaled, result = self._sizes(size)
        if 0 in scaled:
            raise self.fail(f"{size} times {self.factor} leaves no pixel; use a larger factor")
        return Resample(
            scaled,
            result,
            bgr(self.background),
            interpolation=self.interpolation,
            gravity=self.gravity,
        )

    def _sizes(self, size: Size) -> tuple[Size, Size]:
        """What the image is scaled to, and the size of the result."""
        box = self._box(size)
        scaled = self._scaled(size, box)
        if not self.enlarge:
            scaled = _smaller(scaled, size)
        if self.fit == "contain":
            return scaled, box
        return scaled, _smaller(scaled, box) if self.fit == "cover" else scaled

    def _box(self, size: Size) -> Size:
        if self.factor is not None:
            return Size(int(size.width * self.factor), int(size.height * self.factor))
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


def _smaller(one: Size, other: Size) -> Size:
    """The smaller width and the smaller height."""
    return Size(min(one.width, other.width), min(one.height, other.height))


class Thumbnail(Resizing):
    """Shrink to fit inside a box, in proportion; a smaller image stays as it is.

    The side that does not fill the box is rounded, and has a pixel at least. Means of areas, as
    in resize. 16-bit and gray images stay what they are; colour is weighted by alpha.
    """

    op: Literal["thumbnail"] = "thumbnail"
    width: int = Field(ge=1, le=MAX_SIDE, description="Width of the box in pixels.")
    height: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="Height of the box in pixels; else that of a square."
    )

    aliases: ClassVar = ("fit-in",)
    example: ClassVar = "thumbnail=200x150"
    units: ClassVar = {"width": "px", "height": "px"}

    def resolve(self, size: Size) -> Resample:
        height = self.height or self.width
        inside = Resize(width=self.width, height=height, fit="inside", enlarge=False)
        return replace(inside.resolve(size), op=self.op)


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

    aliases: ClassVar = ("rot",)
    example: ClassVar = "rotate=90"
    units: ClassVar = {"degrees": "°"}
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

    aliases: ClassVar = ("flop",)
    example: ClassVar = "flip=horizontal"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        return cv2.flip(image, _FLIPS[self.direction])  # type: ignore[return-value]
