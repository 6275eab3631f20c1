"""Operations that add room around the image."""

from typing import Any, ClassVar, Literal, NamedTuple, Self

import cv2
from pydantic import Field, model_validator

from processors.alpha import full_scale, premultiplied
from processors.colours import Color, bgr
from processors.lengths import MAX_SIDE
from processors.operation import Image, Operation, Size, channels_of, size_of
from processors.placement import Gravity, placed
from processors.resample import border_value, by_area

_BORDERS = {
    "color": cv2.BORDER_CONSTANT,
    "blur": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "edge": cv2.BORDER_REPLICATE,
}
_BLUR_SIDE = 256
"""Pixels of the longer side when blurring: nothing finer is left, and the cost is the same for any
image."""
_BLUR_SIGMA = 1 / 32
"""Standard deviation of the blur, in parts of the longer side."""


class _Border(NamedTuple):
    """Pixels on each side."""

    top: int
    right: int
    bottom: int
    left: int


class Pad(Operation):
    """Add a border around the image, or room up to a width and a height.

    `pad=20` on all sides, `pad=10,20` on top and bottom, left and right, as in CSS; `pad=800x600`
    on the sides that are shorter. In mode `blur` the border is the image with its edges extended,
    smoothed (Gaussian) with 1/32 of the longer side of the result, weighted by alpha. Gray images
    take the luma of the colour; 16-bit images stay what they are.
    """

    op: Literal["pad"] = "pad"
    top: int | None = Field(
        None, ge=0, le=MAX_SIDE, description="Pixels above; 0 where only other sides are given."
    )
    right: int | None = Field(
        None, ge=0, le=MAX_SIDE, description="Pixels on the right; else as many as above."
    )
    bottom: int | None = Field(
        None, ge=0, le=MAX_SIDE, description="Pixels below; else as many as above."
    )
    left: int | None = Field(
        None, ge=0, le=MAX_SIDE, description="Pixels on the left; else as many as on the right."
    )
    mode: Literal["color", "blur", "reflect", "edge"] = Field(
        "color",
        description="What fills the border: the colour; the image's extended edges, blurred; the "
        "image mirrored at its edges; or the edges extended.",
    )
    color: Color = Field(
        Color("transparent"),
        description="Colour of the border; its alpha counts where the image has alpha. As it is, "
        "transparent, or black where there is no alpha.",
    )
    width: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="In place of a border: the least width, in pixels."
    )
    height: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="In place of a border: the least height, in pixels."
    )
    gravity: Gravity = Field(
        "center", description="With width or height: where in it the image stands."
    )

    aliases: ClassVar = ("extend", "padding", "pd", "fill")
    example: ClassVar = "pad=20,mode=blur"
    units: ClassVar = {
        "top": "px",
        "right": "px",
        "bottom": "px",
        "left": "px",
        "width": "px",
        "height": "px",
    }
    channelwise: ClassVar = True

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        border = (self.top, self.right, self.bottom, self.left) != (None, None, None, None)
        size = (self.width, self.height) != (None, None)
        if border and size:
            raise ValueError("give a border, or a width and/or a height, not both")
        if not border and not size:
            raise ValueError("give a border, as pad=20, or a size, as pad=800x600")
        return self

    def apply(self, image: Image) -> Image:
        border = self._border(size_of(image))
        result = self._bordered(image, border)
        return _blurred_around(result, image, border) if self.mode == "blur" else result

    def output_size(self, size: Size) -> Size:
        border = self._border(size)
        return Size(
            size.width + border.left + border.right, size.height + border.top + border.bottom
        )

    def is_identity(self, size: Size) -> bool:
        return self.output_size(size) == size

    def _border(self, size: Size) -> _Border:
        border = self._border_asked_for(size)
        width = size.width + border.left + border.right
        height = size.height + border.top + border.bottom
        if max(width, height) > MAX_SIDE:
            raise self.fail(f"{width}x{height} is too large; a side has {MAX_SIDE} pixels at most")
        return border

    def _border_asked_for(self, size: Size) -> _Border:
        if self.width is None and self.height is None:
            top = self.top or 0
            right = top if self.right is None else self.right
            bottom = top if self.bottom is None else self.bottom
            return _Border(top, right, bottom, right if self.left is None else self.left)
        outer = Size(max(size.width, self.width or 0), max(size.height, self.height or 0))
        left, top = placed(outer, size, self.gravity)
        right, bottom = outer.width - size.width - left, outer.height - size.height - top
        return _Border(top, right, bottom, left)

    def _bordered(self, image: Image, border: _Border) -> Image:
        top, right, bottom, left = border
        value = _level(self.color, image)
        kind = _BORDERS[self.mode]
        return cv2.copyMakeBorder(  # type: ignore[return-value]
            image, top, bottom, left, right, kind, value=value
        )


def _level(color: Color, image: Image) -> tuple[int, ...]:
    """`color` in the channels and depth of `image`, its alpha too."""
    value = border_value(bgr(color), image)
    if isinstance(value, int):
        return (value,)
    if channels_of(image) != 4:
        return value
    opacity: Any = color.as_rgb_tuple(alpha=True)[3]  # type: ignore[misc]
    return (*value[:3], round(opacity * full_scale(image)))


def _blurred_around(extended: Image, image: Image, border: _Border) -> Image:
    """`image` inside its border, with `extended`, the edges of it drawn out, blurred."""
    height, width = image.shape[:2]
    result = premultiplied(extended, _blurred)
    result[border.top : border.top + height, border.left : border.left + width] = image
    return result


def _blurred(image: Image) -> Image:
    """A copy, smoothed."""
    size = size_of(image)
    scale = min(1, _BLUR_SIDE / max(size))
    small = Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))
    coarse = by_area(image, small)
    smooth = cv2.GaussianBlur(
        coarse, (0, 0), max(small) * _BLUR_SIGMA, borderType=cv2.BORDER_REPLICATE
    )
    return cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
