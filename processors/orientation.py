"""Turning an image upright by its EXIF orientation (EXIF 2.32, tag 274)."""

from dataclasses import dataclass
from typing import ClassVar

import cv2

from processors.operation import Image, Size, StepDefaults

_TURNS = {
    3: cv2.ROTATE_180,
    6: cv2.ROTATE_90_CLOCKWISE,
    8: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {2: 1, 4: 0}


@dataclass(frozen=True, slots=True)
class Orient(StepDefaults):
    """Undo `orientation`, 1 to 8: how the camera's sensor was held."""

    orientation: int
    op: str = "orient"
    channelwise: ClassVar[bool] = True

    def apply(self, image: Image) -> Image:
        if self.orientation in _TURNS:
            return cv2.rotate(image, _TURNS[self.orientation])  # type: ignore[return-value]
        if self.orientation in _FLIPS:
            return cv2.flip(image, _FLIPS[self.orientation])  # type: ignore[return-value]
        if self.orientation == 5:
            return cv2.transpose(image)  # type: ignore[return-value]
        if self.orientation == 7:
            return cv2.flip(cv2.transpose(image), -1)  # type: ignore[return-value]
        return image

    def output_size(self, size: Size) -> Size:
        return Size(size.height, size.width) if self.orientation >= 5 else size

    def is_identity(self, size: Size) -> bool:
        return self.orientation == 1

    def describe(self) -> str:
        return f"turn upright from orientation {self.orientation}"
