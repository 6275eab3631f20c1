"""Operations in the frequency domain.

The discrete cosine transform sees the image continued by its mirror image at each side, so that no
side leaks into the opposite one. Its k-th of N coefficients has k/N of the Nyquist frequency.
"""

import math
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from processors.alpha import premultiplied
from processors.neighbours import (
    NEGATIVES,
    Floats,
    Negatives,
    Plane,
    each_colour,
    rounded,
    shown,
    weighing,
)
from processors.operation import Image, Operation, channels_of

Kind = Literal["gaussian", "ideal", "butterworth"]

_ROWS = 256
"""Rows of coefficients that are weighed at once, to keep memory low."""

_CUTOFF = "Frequency at which the filter cuts, as a fraction of the highest one (Nyquist)."
_KIND = (
    "gaussian: exp(-(f/cutoff)^2 / 2) is let through; ideal: all below the cutoff, with rings at "
    "edges; butterworth: 1 / (1 + (f/cutoff)^(2 order))."
)
_ORDER = "Steepness of butterworth."


class _Frequency(Operation):
    """What lowpass and highpass share."""

    cutoff: float = Field(0.2, ge=0.001, le=1, description=_CUTOFF)
    filter: Kind = Field("gaussian", description=_KIND)
    order: int = Field(2, ge=1, le=10, description=_ORDER)

    def _low(self, plane: Plane) -> Floats:
        """The low frequencies of `plane`."""
        height, width = plane.shape
        sides = _transformed(height, self.cutoff), _transformed(width, self.cutoff)
        padded = cv2.copyMakeBorder(
            plane.astype(np.float32),
            0,
            sides[0] - height,
            0,
            sides[1] - width,
            cv2.BORDER_REFLECT,
        )
        spectrum = cv2.dct(padded)
        self._weigh(spectrum)
        return cv2.idct(spectrum)[:height, :width]  # type: ignore[return-value]

    def _weigh(self, spectrum: NDArray[Any]) -> None:
        rows, columns = (np.arange(side, dtype=np.float32) / side for side in spectrum.shape)
        for top in range(0, len(rows), _ROWS):
            squared = rows[top : top + _ROWS, None] ** 2 + columns**2
            spectrum[top : top + _ROWS] *= self._passed(squared / np.float32(self.cutoff**2))

    def _passed(self, squared: Floats) -> Floats:
        """The share that is let through, by the square of the frequency over the cutoff."""
        if self.filter == "gaussian":
            return np.exp(-squared / 2)
        if self.filter == "ideal":
            return (squared <= 1).astype(np.float32)
        power = squared.astype(np.float64) ** self.order  # beyond float32 at a high order
        return (1 / (1 + power)).astype(np.float32)


class Lowpass(_Frequency):
    """Let only low frequencies through: smooth.

    Each channel by itself, in 8 or 16 bits; colour is weighted by alpha. R. Gonzalez, R. Woods,
    "Digital Image Processing", chapter 4, on the discrete cosine transform.
    """

    op: Literal["lowpass"] = "lowpass"
    example: ClassVar = "lowpass=0.2"

    def apply(self, image: Image) -> Image:
        return premultiplied(image, self._channels)

    def _channels(self, image: Image) -> Image:
        result = each_colour(image, lambda plane: rounded(self._low(plane), image))
        if channels_of(image) == 4:
            result[..., 3] = rounded(self._low(np.ascontiguousarray(image[..., 3])), image)
        return result


class Highpass(_Frequency):
    """Let only high frequencies through: the fine detail, without areas.

    What `lowpass` takes away. Each channel by itself, in 8 or 16 bits; neighbours are weighed by
    alpha, which stays as it is.
    """

    op: Literal["highpass"] = "highpass"
    negatives: Negatives = Field("offset", description=NEGATIVES)
    example: ClassVar = "highpass=0.2"

    def apply(self, image: Image) -> Image:
        high = weighing(image, lambda plane: plane - self._low(plane), 0)
        return each_colour(image, lambda plane: shown(high(plane), self.negatives, image))


def _transformed(side: int, cutoff: float) -> int:
    """The next side that the transform takes fast, `side` itself if it may be.

    What is added is mirrored again at its end, so it is wide enough for that to have no effect: of
    a Gaussian, four standard deviations.
    """
    fast = 2 * cv2.getOptimalDFTSize((side + 1) // 2)
    if fast == side:
        return side
    margin = min(side, int(4 / (math.pi * cutoff)) + 1)
    return 2 * cv2.getOptimalDFTSize((side + margin + 1) // 2)
