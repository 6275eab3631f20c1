"""The pictures of `docs/operations.md`: before at the left, after at the right.

Made by running each operation, mostly with its example, on a scene of the project's own.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from docs.picture_subjects import PANEL, SUBJECTS
from processors.alpha import premultiplied
from processors.operation import Image, Operation, Size, channels_of, size_of
from processors.registry import registry
from processors.resources import reading

PROJECT = Path(__file__).parent.parent
PICTURES = PROJECT / "docs" / "pictures" / "operations"

TOLERANCE = 0.75
"""Levels of 255, the mean over a picture: as much as when a tenth of the pixels is rounded in
another way before encoding, which a processor of another kind may do."""

# JPEG, as each of its blocks is encoded alone: in WebP one pixel changes all that follow.
_ENCODING = (
    *(cv2.IMWRITE_JPEG_QUALITY, 40),
    *(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
)
_GAP = 8
_TILE_GAP = 4
_SQUARE = 8
_TALLEST = 216
"""Pixels; a result may be taller than the panel, which is wider than high."""

_CLOSE = frozenset(
    {"filters", "frequency", "gradients", "morphology", "sharpening", "smoothing", "textures"}
)
"""The families whose work is not seen at half the size."""


class Use(NamedTuple):
    """What a picture shows: an operation in text form, and the words for what it is run on."""

    text: str
    subject: str


_TELLING = {
    "auto_levels": Use("auto_levels=0.5", "a copy with little contrast"),
    "border": Use("border=12,navy", ""),
    "brightness": Use("brightness=60", ""),
    "clahe": Use("clahe=2", "a dark copy"),
    "closing": Use("closing=3", "a copy with black specks"),
    "contrast": Use("contrast=1.8", ""),
    "denoise": Use("denoise=20", "a noisy copy"),
    "deskew": Use("deskew", "a page of text"),
    "equalize": Use("equalize", "a copy with little contrast"),
    "flatten": Use("flatten=gold", "a copy with alpha"),
    "gamma": Use("gamma=1.8", "a dark copy"),
    "lightness": Use("lightness=20", ""),
    "median": Use("median=3", "a copy with white specks"),
    "noise": Use("noise=25", "part of it"),
    "opening": Use("opening=3", "a copy with white specks"),
    "round_corners": Use("round_corners=80", ""),
    "saturation": Use("saturation=2", ""),
    "trim": Use("trim=10", "a copy with a frame"),
    "white_balance": Use("white_balance=gray_world", "a yellow copy"),
}
"""For operations whose example shows little on the common scene."""


def use_of(operation: type[Operation]) -> Use:
    """What the operation's picture shows."""
    close = registry().family(operation) in _CLOSE
    usual = Use(operation.example, "part of it" if close else "")
    return _TELLING.get(operation.name(), usual)


def picture_of(operation: type[Operation]) -> Path:
    """The file of its picture."""
    return PICTURES / f"{operation.name()}.jpg"


def write_pictures(operations: Iterable[type[Operation]]) -> None:
    """Write those that are missing or stale, and remove the files of no operation."""
    wanted = {picture_of(operation): operation for operation in operations}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in set(PICTURES.iterdir()) - wanted.keys():
        path.unlink()
    for path, operation in wanted.items():
        data = encoded(render(use_of(operation)))
        if not path.exists() or difference(path.read_bytes(), data) > TOLERANCE:
            path.write_bytes(data)


def render(use: Use) -> Image:
    """(H, W, 3) uint8 BGR, about 440 x 162; white between the two halves."""
    before = SUBJECTS[use.subject]()
    operation = registry().parse(use.text)
    with reading(lambda path: (PROJECT / path).read_bytes()):
        after = operation.produce(before)
    # One scale for both, so that a change of size is seen.
    columns = getattr(operation, "columns", 1) if len(after) > 1 else 1
    scale = min(_scale([before], 1), _scale(after, columns))
    halves = [_tiled([before], 1, scale), _tiled(after, columns, scale)]
    height = max(half.shape[0] for half in halves)
    left, right = (_centred(half, Size(PANEL.width, height)) for half in halves)
    gap = np.full((height, _GAP, 3), 255, np.uint8)
    return np.hstack([left, gap, right])


def encoded(picture: Image) -> bytes:
    """As JPEG."""
    _, data = cv2.imencode(".jpg", picture, _ENCODING)
    return data.tobytes()


def difference(first: bytes, second: bytes) -> float:
    """The mean difference of two encoded pictures, in levels of 255; 255 for unlike sizes."""
    left, right = (cv2.imdecode(np.frombuffer(data, np.uint8), -1) for data in (first, second))
    if left is None or right is None or left.shape != right.shape:
        return 255.0
    return float(cv2.absdiff(left, right).mean())


def _scale(images: list[Image], columns: int) -> float:
    """What the images have to be scaled by to fit into a panel as tiles; never above 1."""
    rows = math.ceil(len(images) / columns)
    width = max(size_of(image).width for image in images) * columns
    height = max(size_of(image).height for image in images) * rows
    across, down = PANEL.width - _TILE_GAP * (columns - 1), _TALLEST - _TILE_GAP * (rows - 1)
    return min(1.0, across / width, down / height)


def _tiled(images: list[Image], columns: int, scale: float) -> Image:
    """(H, W, 3): the images, scaled, row by row, with white gaps."""
    shown = [_shown(image, scale) for image in images]
    cell = Size(max(size_of(i).width for i in shown), max(size_of(i).height for i in shown))
    rows = math.ceil(len(shown) / columns)
    width, height = cell.width + _TILE_GAP, cell.height + _TILE_GAP
    area = (rows * height - _TILE_GAP, columns * width - _TILE_GAP, 3)
    board = np.full(area, 255, np.uint8)
    for index, image in enumerate(shown):
        top, left = index // columns * height, index % columns * width
        board[top : top + image.shape[0], left : left + image.shape[1]] = image
    return board


def _shown(image: Image, scale: float) -> Image:
    """(H, W, 3): alpha is shown as a chequerboard that shines through."""
    small = premultiplied(image, lambda part: _scaled(part, scale))
    if channels_of(small) != 4:
        return cv2.cvtColor(small, cv2.COLOR_GRAY2BGR) if small.ndim == 2 else small  # type: ignore[return-value]
    rows, columns = np.indices(small.shape[:2]) // _SQUARE
    board = np.where((rows + columns) % 2, 200, 245)[..., None]
    alpha = small[..., 3:] / 255
    return np.rint(small[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def _scaled(image: Image, scale: float) -> Image:
    width, height = size_of(image)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _centred(image: Image, size: Size) -> Image:
    """White around the image, up to `size`."""
    across, down = size.width - image.shape[1], size.height - image.shape[0]
    top, left = down // 2, across // 2
    return cv2.copyMakeBorder(  # type: ignore[return-value]
        image, top, down - top, left, across - left, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
