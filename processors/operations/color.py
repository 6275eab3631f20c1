"""Operations on the colour of each pixel."""

from typing import ClassVar, Literal

import cv2
import numpy as np

from processors.operation import Image, Operation, channels_of


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
        gray = cv2.cvtColor(image[..., :3], cv2.COLOR_BGR2GRAY)
        if channels_of(image) == 3:
            return gray  # type: ignore[return-value]
        return np.dstack([gray, gray, gray, image[..., 3]])  # type: ignore[return-value]

    def output_channels(self, channels: int) -> int:
        return 1 if channels == 3 else channels
