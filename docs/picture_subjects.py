"""What the pictures of the operations are taken of: the project's own scene, and copies of it.

Each subject is BGR or BGRA, uint8, and the same at every call.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from processors.operation import Image, Size

PANEL = Size(216, 162)
"""Pixels of a picture's half."""

WHOLE = Size(2 * PANEL.width, 2 * PANEL.height)
"""Of the subjects that are shown at half their size: room for a crop in pixels."""

_SCENE = Path(__file__).parent.parent / "testimages" / "cyclo3.jpg"
_LINES = (
    "A page lay on the scanner,",
    "turned a little, as it happens,",
    "and was read all the same.",
)


def whole() -> Image:
    """A bicycle at a wall."""
    return cv2.resize(_scene()[200:968], WHOLE, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def close() -> Image:
    """A part of it, for operations whose work is on neighbouring pixels; shown pixel by pixel."""
    part = _scene()[500:824, 552:984]
    return cv2.resize(part, PANEL, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def dull() -> Image:
    """With little contrast."""
    return cv2.convertScaleAbs(whole(), alpha=0.3, beta=100)  # type: ignore[return-value]


def dark() -> Image:
    """Taken with too little light."""
    return cv2.convertScaleAbs(whole(), alpha=0.4)  # type: ignore[return-value]


def yellow() -> Image:
    """With a cast of colour."""
    cast = np.array([0.45, 0.85, 1.1])  # blue, green, red
    return np.clip(whole() * cast, 0, 255).astype(np.uint8)


def noisy() -> Image:
    """With the noise of a sensor."""
    grain = np.random.default_rng(1).normal(0, 15, close().shape)
    return np.clip(close() + grain, 0, 255).astype(np.uint8)


def white_specks() -> Image:
    return _specked(255)


def black_specks() -> Image:
    return _specked(0)


def clear() -> Image:
    """With alpha: opaque in the middle, clear towards the edge."""
    alpha = np.zeros((WHOLE.height, WHOLE.width), np.uint8)
    middle = (WHOLE.width // 2, WHOLE.height // 2)
    cv2.ellipse(alpha, middle, (middle[0] - 50, middle[1] - 40), 0, 0, 360, (255,), -1)
    soft = cv2.GaussianBlur(alpha, (0, 0), 12)
    return np.dstack([whole(), soft])  # type: ignore[return-value]


def framed() -> Image:
    """With a border of one colour."""
    inner = cv2.resize(whole(), None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    height, width = inner.shape[:2]
    left, top = (WHOLE.width - width) // 3, (WHOLE.height - height) // 2
    page = np.full((WHOLE.height, WHOLE.width, 3), (225, 235, 240), np.uint8)
    page[top : top + height, left : left + width] = inner
    return page


def page() -> Image:
    """A page of text that was put on the scanner askew."""
    sheet = np.full((WHOLE.height, WHOLE.width, 3), 245, np.uint8)
    for row in range(9):
        line, place = _LINES[row % len(_LINES)], (40, 60 + 28 * row)
        cv2.putText(sheet, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.65, (40, 30, 30), 1, 16)
    turn = cv2.getRotationMatrix2D((WHOLE.width / 2, WHOLE.height / 2), 6, 1)
    edge = (245, 245, 245)
    return cv2.warpAffine(sheet, turn, WHOLE, borderMode=cv2.BORDER_CONSTANT, borderValue=edge)  # type: ignore[return-value]


SUBJECTS: dict[str, Callable[[], Image]] = {
    "": whole,
    "part of it": close,
    "a copy with little contrast": dull,
    "a dark copy": dark,
    "a yellow copy": yellow,
    "a noisy copy": noisy,
    "a copy with white specks": white_specks,
    "a copy with black specks": black_specks,
    "a copy with alpha": clear,
    "a copy with a frame": framed,
    "a page of text": page,
}
"""By the words for them."""


def _specked(value: int) -> Image:
    image = close()
    image[np.random.default_rng(1).random(image.shape[:2]) < 0.015] = value
    return image


@cache
def _scene() -> Image:
    image = cv2.imread(str(_SCENE))
    if image is None:
        raise FileNotFoundError(f"{_SCENE} is not there; `make images` makes it")
    return image  # type: ignore[return-value]
