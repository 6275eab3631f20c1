"""A fingerprint of an image: small, readable, and the same on other machines within a tolerance.

The mean of each cell of a grid tells where an image became lighter or darker, the roughness how
sharp it is. Colour counts as far as it is seen: where alpha is low, a colour is the quotient of two
small numbers, and one level of either moves it far.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale
from processors.operation import Image, channels_of, size_of

Fingerprint = dict[str, Any]
"""`kind`: width x height x channels and dtype; for each channel by name `ROWS` * `COLUMNS` means
(row by row) and then the roughness, all in levels of 8 bits."""

ROWS, COLUMNS = 3, 4

MEAN_TOLERANCE = 1.0
"""Levels of 8 bits that the mean of a cell may move. Libraries choose their code by the processor,
and sums in another order round to the other side: a level in a pixel here and there. With the
vector code of OpenCV and NumPy and Intel's IPP switched off no mean moved by more than 0.1, not
even of denoise and edge_preserve. The rest is for processors of other makes, where a pixel or two
may fall on the other side of a threshold: in a cell of 24x21, 0.5 for a pixel of black or white."""

ROUGHNESS_TOLERANCE = 0.5
"""Levels of 8 bits that the mean difference of neighbours may move, for the same reason."""

_NAMES = {1: ("gray",), 3: ("blue", "green", "red"), 4: ("blue", "green", "red", "alpha")}


def fingerprint(image: Image) -> Fingerprint:
    """The fingerprint of (H, W[, C]) uint8 or uint16."""
    channels = channels_of(image)
    levels = image.reshape(*image.shape[:2], channels).astype(np.float64) * 255 / full_scale(image)
    if channels == 4:
        levels[..., :3] *= levels[..., 3:] / 255
    found: Fingerprint = {"kind": f"{size_of(image)}x{channels} {image.dtype}"}
    for at, name in enumerate(_NAMES[channels]):
        plane = levels[..., at]
        found[name] = [round(value, 1) for value in (*_means(plane), _roughness(plane))]
    return found


def differences(found: Fingerprint, golden: Fingerprint) -> list[str]:
    """A sentence for each thing that moved; none when the images are alike."""
    if found["kind"] != golden["kind"]:
        return [f"the image is {found['kind']}, it was {golden['kind']}"]
    names = [name for name in golden if name != "kind"]
    return [text for name in names for text in _moved(name, found[name], golden[name])]


def _moved(name: str, found: list[float], golden: list[float]) -> Iterator[str]:
    for (row, column), now, before in zip(_cells(), found[:-1], golden[:-1], strict=True):
        if abs(now - before) > MEAN_TOLERANCE:
            yield f"{name}, cell in row {row}, column {column}: mean {before} became {now}"
    if abs(found[-1] - golden[-1]) > ROUGHNESS_TOLERANCE:
        yield f"{name}: roughness {golden[-1]} became {found[-1]}"


def _cells() -> Iterator[tuple[int, int]]:
    return product(range(1, ROWS + 1), range(1, COLUMNS + 1))


def _means(plane: NDArray[np.float64]) -> list[float]:
    rows, columns = _cuts(plane.shape[0], ROWS), _cuts(plane.shape[1], COLUMNS)
    return [float(plane[row, column].mean()) for row, column in product(rows, columns)]


def _cuts(length: int, parts: int) -> list[slice]:
    """`parts` runs of pixels that cover the side; on a short side some share a pixel."""
    cuts = [length * part // parts for part in range(parts + 1)]
    return [slice(min(start, length - 1), max(stop, start + 1)) for start, stop in pairwise(cuts)]


def _roughness(plane: NDArray[np.float64]) -> float:
    """The mean difference of pixels that are side by side; 0 for a single one."""
    steps = np.concatenate([np.diff(plane, axis=axis).ravel() for axis in (0, 1)])
    return float(np.abs(steps).mean()) if steps.size else 0.0
