"""Operations that leave black and white only."""

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors.alpha import full_scale
from processors.levels import on_colour, through_curve
from processors.operation import Image, Operation

Level = Annotated[float, Field(ge=0, le=255)]


class Threshold(Operation):
    """Turn light pixels white and all others black.

    The gray 0.299 R + 0.587 G + 0.114 B is white from the level on. `otsu` finds the level that
    parts the histogram best; `adaptive` compares each pixel with the mean of those around it, less
    the offset (OpenCV's adaptiveThreshold). The result is gray, with alpha four channels of equal
    colours; alpha stays. 16-bit images stay what they are.
    """

    op: Literal["threshold"] = "threshold"
    level: Level | Literal["otsu", "adaptive"] = Field(
        128, description="In levels of 8 bits, scaled for 16 bits; or how the level is found."
    )
    block: int = Field(
        25, ge=3, le=501, description="adaptive: side in pixels; even ones are raised by one."
    )
    offset: float = Field(5, ge=-255, le=255, description="adaptive: in levels of 8 bits.")

    example: ClassVar = "threshold=128"
    units: ClassVar = {"block": "px"}

    def apply(self, image: Image) -> Image:
        return on_colour(image, self._parted)

    def output_channels(self, channels: int) -> int:
        return 1 if channels == 3 else channels

    def _parted(self, colour: Image) -> Image:
        gray = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY) if colour.ndim == 3 else colour
        gray = np.ascontiguousarray(gray)
        if isinstance(self.level, float | int):
            limit = self.level / 255
            return through_curve(gray, lambda value: np.where(value >= limit, 1.0, 0.0))  # type: ignore[arg-type]
        if self.level == "otsu":
            return cv2.threshold(gray, 0, full_scale(gray), cv2.THRESH_OTSU)[1]  # type: ignore[arg-type,return-value]
        return self._adaptive(gray)  # type: ignore[arg-type]

    def _adaptive(self, gray: Image) -> Image:
        side, white = self.block | 1, full_scale(gray)
        border = cv2.BORDER_REPLICATE
        mean = cv2.boxFilter(gray, -1, (side, side), borderType=border)
        above = cv2.subtract(gray, mean, dtype=cv2.CV_32F) > -self.offset * white / 255
        return np.where(above, white, 0).astype(gray.dtype)  # type: ignore[return-value]
