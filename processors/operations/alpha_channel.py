"""Operations on transparency."""

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors import alpha
from processors.alpha import alpha_of, colour_of, joined
from processors.colours import Color, bgr
from processors.operation import Image, Operation, Size, channels_of


class Flatten(Operation):
    """Lay a transparent image onto a colour; the result has no alpha.

    An image without alpha stays as it is, gray ones too. 16-bit images stay what they are.
    """

    op: Literal["flatten"] = "flatten"
    background: Color = Field(
        Color("white"), description="The colour behind the image; an alpha of its own is left out."
    )

    aliases: ClassVar = ("background", "bg", "background_color")
    example: ClassVar = "flatten=white"

    def apply(self, image: Image) -> Image:
        if channels_of(image) != 4:
            return image
        return alpha.flatten(image, bgr(self.background))

    def output_channels(self, channels: int) -> int:
        return 3 if channels == 4 else channels


class Opacity(Operation):
    """Make the whole image more transparent: alpha * amount.

    An image without alpha gets one, and four channels, unless the amount is 1. 16-bit images stay
    what they are; colour stays.
    """

    op: Literal["opacity"] = "opacity"
    amount: float = Field(ge=0, le=1, description="0 is clear, 1 changes nothing.")

    example: ClassVar = "opacity=0.5"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        if self.amount == 1:
            return image
        white = alpha.full_scale(image)
        if channels_of(image) == 4:
            table = np.rint(np.arange(white + 1) * self.amount).astype(image.dtype)
            return joined(colour_of(image), cv2.LUT(alpha_of(image), table))  # type: ignore[arg-type]
        code = cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_BGR2BGRA
        result = cv2.cvtColor(image, code)
        result[..., 3] = round(white * self.amount)
        return result  # type: ignore[return-value]

    def output_channels(self, channels: int) -> int:
        return channels if self.amount == 1 else 4

    def is_identity(self, size: Size) -> bool:
        return self.amount == 1
