"""Numbers that describe the pixels of an image: exact, over all of them."""

from typing import Any

import cv2
import numpy as np

from processors.alpha import full_scale
from processors.operation import Image, channels_of, size_of
from processors.perceptual_hash import gray8

BINS = 256
_GRAY, _COLOUR = ("gray",), ("blue", "green", "red", "alpha")
_EXACT = 1 << 24
"""Pixels that OpenCV counts at once: its histogram has float32, exact up to there."""


def channel_names(image: Image) -> tuple[str, ...]:
    count = channels_of(image)
    return _GRAY if count == 1 else _COLOUR[:count]


def histograms(image: Image) -> dict[str, list[int]]:
    """How many pixels have each of 256 levels, by channel; of 16 bits the high byte counts."""
    rows = max(1, _EXACT // size_of(image).width)
    parts = [image[at : at + rows] for at in range(0, size_of(image).height, rows)]
    return {
        name: sum(_counted(part, channel) for part in parts).tolist()
        for channel, name in enumerate(channel_names(image))
    }


def _counted(image: Any, channel: int) -> Any:
    white = full_scale(image)
    found = cv2.calcHist([image], [channel], None, [BINS], [0, white + 1])
    return found.ravel().astype(np.int64)


def means(image: Image) -> tuple[dict[str, float], dict[str, float]]:
    """Mean and standard deviation of each channel, in levels of 8 bits, to four decimals."""
    scale = full_scale(image) / 255
    found = (np.round(values.ravel() / scale, 4).tolist() for values in cv2.meanStdDev(image))
    mean, deviation = (dict(zip(channel_names(image), values, strict=True)) for values in found)
    return mean, deviation


def sharpness(image: Image) -> float:
    """The variance of the Laplacian (4 neighbours, reflected edge) of gray in levels of 8 bits.

    Source: J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a
    comparative study" (ICPR 2000). 16 bits are rounded to 8.
    """
    _, deviation = cv2.meanStdDev(cv2.Laplacian(gray8(image), cv2.CV_16S))
    return round(float(deviation[0, 0]) ** 2, 4)


def any_transparent(image: Image) -> bool:
    """Whether a pixel is less than opaque."""
    return channels_of(image) == 4 and int(image[..., 3].min()) < full_scale(image)
