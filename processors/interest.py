"""Which part of an image is worth showing."""

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import flatten, full_scale, premultiplied
from processors.operation import Image, Size, channels_of, size_of
from processors.resample import by_area

_MOST_SIDE = 256
"""Pixels a side that are looked at: enough to tell detail from plain, and quick for any image."""
_EDGE_WEIGHT = 5
"""Levels of an edge against levels of colour: a clear sky is colourful, but of little interest."""
_NEARLY = 0.99
"""Windows with this share of the most interest are as good: the middle one of them is taken."""


def most_interesting(image: Image, window: Size) -> tuple[int, int]:
    """x and y of the upper left corner of the part of `image`, of size `window`, to be kept.

    It is exact to a pixel of a copy with at most 256 pixels a side. Where nothing stands out it
    is the middle.
    """
    whole = size_of(image)
    scores = interest(_overview(image))
    seen = Size(scores.shape[1], scores.shape[0])
    part = Size(
        max(1, min(seen.width, round(window.width * seen.width / whole.width))),
        max(1, min(seen.height, round(window.height * seen.height / whole.height))),
    )
    x, y = _best(_sums(scores, part))
    return (
        min(round(x * whole.width / seen.width), whole.width - window.width),
        min(round(y * whole.height / seen.height), whole.height - window.height),
    )


def interest(image: Image) -> NDArray[np.float32]:
    """(H, W) whole numbers from 0 on, for `image` in 8 bits.

    Five times the edges, which are the absolute Laplacian of the gray image (4 neighbours), plus
    the colourfulness, which is the largest less the smallest of blue, green and red. Both are
    weighted by alpha, and seen on black.
    """
    if channels_of(image) == 4:
        weight = image[..., 3].astype(np.float32)
        return np.rint(interest(flatten(image, (0, 0, 0))) * weight / 255)
    if channels_of(image) == 1:
        return _EDGE_WEIGHT * np.abs(cv2.Laplacian(image, cv2.CV_32F))
    edges = interest(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))  # type: ignore[arg-type]
    blue, green, red = cv2.split(image)
    most, least = cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red)
    return edges + cv2.subtract(most, least)


def _overview(image: Image) -> Image:
    """`image` in 8 bits, shrunk to fit into the most that is looked at."""
    whole = size_of(image)
    scale = min(1, _MOST_SIDE / max(whole))
    small = Size(max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    if small != whole:
        image = premultiplied(image, lambda mixed: by_area(mixed, small))
    return cv2.convertScaleAbs(image, alpha=255 / full_scale(image))  # type: ignore[return-value]


def _sums(scores: NDArray[np.float32], part: Size) -> NDArray[np.float64]:
    """The interest in each window of size `part`, by the upper left corner: whole numbers."""
    table = cv2.integral(scores, sdepth=cv2.CV_64F)
    rows = table[part.height :] - table[: -part.height]
    return rows[:, part.width :] - rows[:, : -part.width]


def _best(sums: NDArray[np.float64]) -> tuple[int, int]:
    """x and y of the middle one, row by row, of the windows that are nearly the best."""
    found = np.argwhere(sums >= _NEARLY * sums.max())
    y, x = found[len(found) // 2]
    return int(x), int(y)
