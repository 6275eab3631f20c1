"""Laying colours and images over an image.

Porter-Duff "over" with straight alpha (T. Porter, T. Duff: Compositing Digital Images, 1984): of
what is laid on with coverage a, over colour c with alpha b, come

    alpha   a + b (1 - a)
    colour  (a p + b (1 - a) c) / alpha

An image without alpha is opaque, b = 1. The result keeps dtype and channels: on gray, colours turn
gray with the weights of ITU-R BT.601.
"""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale
from processors.colours import Color, bgr
from processors.neighbours import level, rounded
from processors.operation import Image, Size, channels_of
from processors.placement import Gravity, placed
from processors.resample import border_value

Floats = NDArray[np.float32]
Indexes = NDArray[np.intp]
Place = tuple[Indexes, ...]
"""What `numpy.ix_` gives: where rows and columns cross."""

_ROWS = 64
"""Rows that are laid at once, to keep memory low."""


def over(behind: Image, paint: Floats, coverage: Floats | float) -> Image:
    """`paint` over `behind`, (h, w[, C]): a new array of its dtype.

    `paint` has the values of `behind`, (h, w) or (h, w, 3), or fewer axes for one colour;
    `coverage` is 0 to 1, (h, w) or one number.
    """
    a = np.broadcast_to(np.float32(coverage), behind.shape[:2])
    if channels_of(behind) == 4:
        return _over_alpha(behind, paint, a)
    a = a[..., np.newaxis] if behind.ndim == 3 else a
    return rounded(behind + (paint - behind.astype(np.float32)) * a, behind)


def _over_alpha(behind: Image, paint: Floats, a: Floats) -> Image:
    white = np.float32(full_scale(behind))
    colour = behind[..., :3].astype(np.float32)
    b = behind[..., 3] / white * (1 - a)
    alpha = a + b
    # Where nothing is seen before and after, the unseen colour stays.
    share = np.divide(a, alpha, out=np.zeros(a.shape, np.float32), where=alpha > 0)
    colour += (paint - colour) * share[..., np.newaxis]
    return rounded(np.dstack([colour, alpha * white]), behind)


def paint_of(color: Color, image: Image) -> Floats:
    """The values of `color` in an image like `image`: (3,), or () for gray; float32."""
    value = border_value(bgr(color), image)
    return np.asarray(value[:3] if isinstance(value, tuple) else value, np.float32)


def opaque(color: Color, image: Image) -> tuple[int, ...]:
    """The pixel of `color` in an image like `image`, with a full alpha where it has one."""
    value = border_value(bgr(color), image)
    if not isinstance(value, tuple):
        return (value,)
    return (*value[:3], full_scale(image))[: len(value)]


def fill(canvas: Image, rows: Indexes, columns: Indexes, color: Color, opacity: float) -> None:
    """Lay `color` in place where `rows` and `columns` of `canvas` cross."""
    paint = paint_of(color, canvas)
    for band in bands(rows):
        place = np.ix_(band, columns)
        canvas[place] = over(canvas[place], paint, opacity)


def lay(canvas: Image, mark: Image, rows: Indexes, columns: Indexes, opacity: float) -> None:
    """Lay `mark`, of any channels and depth, in place over `canvas`.

    `rows` tells for each row of `canvas` which row of `mark` lies on it, below 0 where none does;
    `columns` the same across.
    """
    seen = np.flatnonzero(columns >= 0)
    if not len(seen):
        return
    for band in bands(np.flatnonzero(rows >= 0)):
        place = np.ix_(band, seen)
        part: Image = mark[np.ix_(rows[band], columns[seen])]
        paint, coverage = _paint_and_coverage(part, canvas)
        canvas[place] = over(canvas[place], paint, coverage * np.float32(opacity))


def along(length: int, start: int, count: int, pitch: int | None = None) -> Indexes:
    """For each of `length` places, which of `count` stands there when the first is at `start`.

    -1 where none does. With a `pitch`, not below `count`, they come again and again.
    """
    found = np.arange(length) - start
    if pitch is not None:
        found %= pitch
    found[(found < 0) | (found >= count)] = -1
    return found


def standing(outer: Size, inner: Size, gravity: Gravity, margin: int) -> tuple[int, int]:
    """x and y of `inner`, `margin` pixels away from the edges of `outer` that `gravity` names."""
    across = margin if gravity.endswith(("east", "west")) else 0
    down = margin if gravity.startswith(("north", "south")) else 0
    return placed(outer, inner, gravity, (across, down))


def bands(indexes: Indexes) -> Iterator[Indexes]:
    """`indexes` in short runs, one after the other."""
    return (indexes[start : start + _ROWS] for start in range(0, len(indexes), _ROWS))


def _paint_and_coverage(mark: Image, canvas: Image) -> tuple[Floats, Floats]:
    values = mark.astype(np.float32) * np.float32(level(canvas) / level(mark))
    if channels_of(mark) == 4:
        coverage: Floats = values[..., 3] / np.float32(full_scale(canvas))
        values = np.ascontiguousarray(values[..., :3])
    else:
        coverage = np.ones(values.shape[:2], np.float32)
    return _in_channels(values, canvas), coverage


def _in_channels(values: Floats, canvas: Image) -> Floats:
    """Gray or colour as `canvas` is."""
    found: NDArray[Any] = values
    if canvas.ndim == 2 and values.ndim == 3:
        found = cv2.cvtColor(values, cv2.COLOR_BGR2GRAY)
    elif canvas.ndim == 3 and values.ndim == 2:
        found = cv2.cvtColor(values, cv2.COLOR_GRAY2BGR)
    return found
