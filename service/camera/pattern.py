"""The test pattern: colour bars, a ball that moves, its own name and the time."""

import math
import time
from datetime import datetime

import cv2
import numpy as np

from processors.operation import Image, Size
from service.camera.controls import Control
from service.camera.lettering import write

_BARS = [
    (192, 192, 192),
    (0, 192, 192),
    (192, 192, 0),
    (0, 192, 0),
    (192, 0, 192),
    (0, 0, 192),
    (192, 0, 0),
]
"""The order of SMPTE EG 1, from left to right, at 75 %; BGR."""

_SECONDS_A_ROUND = 4.0
_USUAL_SIZE = Size(640, 480)


class TestPattern:
    """A source that is always there. It takes any size and rate by itself."""

    __test__ = False  # pytest takes the name for that of tests
    name = "test pattern"

    def __init__(self, size: Size = _USUAL_SIZE, fps: float = 30.0) -> None:
        self.size = size
        self.fps = fps
        self.paced = True
        self._bars = _draw_bars(size)

    def read(self) -> Image:
        """(H, W, 3) uint8, as the pattern looks now."""
        image = self._bars.copy()
        angle = 2 * math.pi * (time.monotonic() / _SECONDS_A_ROUND % 1)
        columns, rows = self.size
        at = (round(columns * (0.5 + 0.4 * math.cos(angle))), round(rows * 0.86))
        cv2.circle(image, at, max(2, rows // 14), (255, 255, 255), -1, cv2.LINE_AA)
        write(image, "TEST PATTERN", 0.42, 0.1)
        write(image, f"{datetime.now():%Y-%m-%d %H:%M:%S.%f}"[:-4], 0.56, 0.05)
        return image

    def get(self, control: Control) -> float | None:
        """The value of a setting; None for one that the source does not have."""
        values = {"width": self.size.width, "height": self.size.height, "fps": self.fps}
        return values.get(control.name)

    def set(self, control: Control, value: float) -> bool:
        """Whether the source took the value."""
        if control.name != "fps":
            return False
        self.fps = value
        return True

    def restore(self, control: Control, value: float) -> None:
        """Put a setting back to a value that it had."""
        self.set(control, value)

    def set_size(self, size: Size) -> bool:
        """Whether the source took the size."""
        self.size = size
        self._bars = _draw_bars(size)
        return True

    def close(self) -> None:
        """Nothing to do."""


def _draw_bars(size: Size) -> Image:
    image = np.zeros((size.height, size.width, 3), np.uint8)
    edges = np.linspace(0, size.width, len(_BARS) + 1).astype(int)
    for color, left, right in zip(_BARS, edges[:-1], edges[1:], strict=True):
        image[: round(size.height * 0.72), left:right] = color
    return image
