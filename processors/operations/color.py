"""Operations on the colour of each pixel."""

from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors.alpha import alpha_of, full_scale, joined
from processors.bands import in_bands
from processors.cielab import from_lab, to_lab
from processors.levels import on_colour
from processors.operation import Image, Operation, Size, channels_of


class Grayscale(Operation):
    """Keep the brightness only: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

    The result has one channel; an image with alpha keeps four, with equal colours.
    """

    op: Literal["grayscale"] = "grayscale"

    aliases: ClassVar = ("greyscale", "gray", "grey")
    example: ClassVar = "grayscale"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        if channels_of(image) == 1:
            return image
        code = cv2.COLOR_BGR2GRAY if channels_of(image) == 3 else cv2.COLOR_BGRA2GRAY
        gray = cv2.cvtColor(image, code)
        if channels_of(image) == 3:
            return gray  # type: ignore[return-value]
        return joined(gray, alpha_of(image))  # type: ignore[arg-type]

    def output_channels(self, channels: int) -> int:
        return 1 if channels == 3 else channels


class Invert(Operation):
    """Turn every colour into its opposite: white - v.

    Gray and 16-bit images stay what they are; alpha stays.
    """

    op: Literal["invert"] = "invert"

    aliases: ClassVar = ("negate",)
    example: ClassVar = "invert"
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        return on_colour(image, cv2.bitwise_not)  # type: ignore[arg-type]


class Channel(Operation):
    """Take one channel, as a gray image.

    The colours of a gray image are all its one channel; the alpha of an image that has none is
    white. 16-bit images stay what they are.
    """

    op: Literal["channel"] = "channel"
    channel: Literal["red", "green", "blue", "alpha"] = Field(description="The channel to take.")

    aliases: ClassVar = ("extractChannel",)
    example: ClassVar = "channel=red"

    def apply(self, image: Image) -> Image:
        index = ("blue", "green", "red", "alpha").index(self.channel)
        if index < channels_of(image) and image.ndim == 3:
            return image[..., index].copy()
        if self.channel == "alpha":
            return np.full(image.shape[:2], full_scale(image), image.dtype)
        return image

    def output_channels(self, channels: int) -> int:
        return 1


class Saturation(Operation):
    """Move colours away from gray, or towards it.

    gray + (v - gray) * factor, limited, where gray is 0.299 R + 0.587 G + 0.114 B. 16-bit images
    stay what they are, gray images too; alpha stays.
    """

    op: Literal["saturation"] = "saturation"
    factor: float = Field(
        ge=0, le=20, description="1 changes nothing; 0 takes all colour away; above 1 adds to it."
    )

    aliases: ClassVar = ("sa",)
    example: ClassVar = "saturation=1.5"

    def apply(self, image: Image) -> Image:
        if channels_of(image) == 1:
            return image
        gray = np.tile([0.114, 0.587, 0.299], (3, 1))
        matrix = gray + (np.eye(3) - gray) * self.factor
        return on_colour(image, lambda colour: cv2.transform(colour, matrix))  # type: ignore[arg-type,return-value]

    def is_identity(self, size: Size) -> bool:
        return self.factor == 1


class Hue(Operation):
    """Turn colours around the colour wheel, with their saturation and value (HSV) kept.

    At 120 red becomes green. 16-bit images stay what they are, gray images too; alpha stays.
    """

    op: Literal["hue"] = "hue"
    degrees: float = Field(ge=-3600, le=3600, description="Angle; red, yellow, green is upwards.")

    example: ClassVar = "hue=90"
    units: ClassVar = {"degrees": "°"}

    def apply(self, image: Image) -> Image:
        if channels_of(image) == 1 or self.is_identity(Size(1, 1)):
            return image
        return on_colour(image, lambda colour: in_bands(colour, self._turned))

    def is_identity(self, size: Size) -> bool:
        return self.degrees % 360 == 0

    def _turned(self, colour: Image) -> np.ndarray[Any, np.dtype[Any]]:
        white = full_scale(colour)
        hsv = cv2.cvtColor(colour.astype(np.float32) / np.float32(white), cv2.COLOR_BGR2HSV)
        hsv[..., 0] = np.mod(hsv[..., 0] + np.float32(self.degrees % 360), 360)
        turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        return np.clip(np.rint(turned * white), 0, white)


class Lightness(Operation):
    """Add to the lightness that the eye sees, with hue and chroma kept.

    L* + amount in CIE L*a*b* (D65), from 0 to 100; colours that sRGB cannot show are limited.
    16-bit and gray images stay what they are; alpha stays.
    """

    op: Literal["lightness"] = "lightness"
    amount: float = Field(ge=-100, le=100, description="Added to L*; below 0 darkens.")

    example: ClassVar = "lightness=10"

    def apply(self, image: Image) -> Image:
        if self.amount == 0:
            return image
        return on_colour(image, lambda colour: in_bands(colour, self._lighter))

    def is_identity(self, size: Size) -> bool:
        return self.amount == 0

    def _lighter(self, colour: Image) -> np.ndarray[Any, np.dtype[Any]]:
        three = cv2.cvtColor(colour, cv2.COLOR_GRAY2BGR) if colour.ndim == 2 else colour
        lab = to_lab(three)  # type: ignore[arg-type]
        lab[..., 0] = np.clip(lab[..., 0] + np.float32(self.amount), 0, 100)
        result = from_lab(lab, full_scale(colour))
        return result[..., 0] if colour.ndim == 2 else result
