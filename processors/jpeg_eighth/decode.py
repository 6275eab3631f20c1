"""From the bytes of a JPEG to its picture at 1/8."""

import struct
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.jpeg_eighth.kernel import decode_blocks, to_bgr
from processors.jpeg_eighth.scan import Component, NotTaken, Scan, read_scan
from processors.jpeg_eighth.tables import PLACES, codes, differences, runs, values, weights

_IN_RANGE = (-512, 511)
"""Farther out, which only broken data are, libjpeg's values wrap around."""


def decode(
    data: bytes, gray: bool, size: tuple[int, int] | None = None
) -> NDArray[np.uint8] | None:
    """(ceil(H / 8), ceil(W / 8)[, 3]) uint8 BGR, or one channel with `gray` or a gray image.

    None when the image is none of those that this takes, has a fault, or is not of the `size`
    (width and height) that is expected.
    """
    try:
        scan = read_scan(data)
        if size not in (None, (scan.width, scan.height)):
            return None
        planes = _planes(data, scan, gray)
    except (NotTaken, KeyError, IndexError, StopIteration, struct.error):
        return None
    return None if planes is None else _picture(planes, scan, gray)


def warm_up() -> None:
    """Compile, or load what an earlier process compiled: seconds at the first start ever."""
    sample = np.zeros((16, 16, 3), np.uint8)
    decode(cv2.imencode(".jpg", sample)[1].tobytes(), gray=False)


def _planes(data: bytes, scan: Scan, gray: bool) -> NDArray[np.int32] | None:
    side = scan.components[0].horizontal
    units = (-(-scan.height // (8 * side)), -(-scan.width // (8 * side)))
    planes = np.zeros((len(scan.components), units[0] * side, units[1] * side), np.int32)
    tables = _tables(scan.components, gray)
    done = decode_blocks(
        np.frombuffer(data, np.uint8),
        scan.offset,
        scan.restart_interval,
        units,
        tables.factors,
        tables.wanted,
        tables.dc,
        tables.ac,
        tables.differences,
        tables.runs,
        tables.weights,
        PLACES,
        planes,
    )
    return (
        planes if done and _IN_RANGE[0] <= planes.min() and planes.max() <= _IN_RANGE[1] else None
    )


class _Tables(NamedTuple):
    """The arguments of decode_blocks by these names."""

    factors: NDArray[np.int64]
    wanted: NDArray[np.int64]
    dc: NDArray[np.uint16]
    ac: NDArray[np.uint16]
    differences: NDArray[np.int32]
    runs: NDArray[np.int32]
    weights: NDArray[np.int64]


@lru_cache(16)  # a camera's images have the same tables
def _tables(components: tuple[Component, ...], gray: bool) -> _Tables:
    side = components[0].horizontal
    # Half-size chroma needs four means of each block, to come out as large as the luma.
    wanted = [1 if gray else side // component.horizontal for component in components]
    found = [
        (runs if means == 1 else values)(component.ac)
        for means, component in zip(wanted, components, strict=True)
    ]
    return _Tables(
        np.array([component.horizontal for component in components]),
        np.array(wanted),
        np.stack([codes(component.dc) for component in components]),
        np.stack([codes(component.ac) for component in components]),
        np.stack([differences(component.dc) for component in components]),
        np.stack(found),
        np.stack([weights(component.quantizers) for component in components]),
    )


def _picture(planes: NDArray[np.int32], scan: Scan, gray: bool) -> NDArray[np.uint8]:
    height, width = -(-scan.height // 8), -(-scan.width // 8)
    if gray or len(scan.components) == 1:
        luma = planes[0, :height, :width] + 128
        return np.clip(luma, 0, 255).astype(np.uint8)
    image = np.empty((height, width, 3), np.uint8)
    to_bgr(planes, image)
    return image
