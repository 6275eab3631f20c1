"""What the operations that look at the neighbours of a pixel have in common."""

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.alpha import full_scale, is_opaque
from processors.levels import on_colour
from processors.operation import Image

Plane = NDArray[Any]
"""(H, W) uint8, uint16 or float32."""

Floats = NDArray[np.float32]
Linear = Callable[[Plane], Floats]
Laid = Callable[[Plane, int, float, float], Any]
"""A linear filter as OpenCV's: of channels, into a depth (-1 keeps it), times a gain, plus a value.
"""

Negatives = Literal["offset", "absolute", "clip"]
"""How values below black are shown: half of each value on mid-gray, without sign, or as black."""

NEGATIVES = (
    "How negative values are shown: offset puts half of each value on mid-gray, absolute drops "
    "the sign, clip makes them black."
)


def level(image: Image) -> float:
    """One level of 8 bits in the values of `image`: 1 or 257."""
    return full_scale(image) / 255


def contiguous(image: Image) -> Image:
    """`image` as OpenCV reads it without a copy of its own."""
    return np.ascontiguousarray(image)  # type: ignore[return-value]


def odd(side: int) -> int:
    """`side`, an even one raised by one."""
    return side | 1


def rounded(values: NDArray[Any], like: Image) -> Image:
    """`values` rounded and limited to the range and the dtype of `like`."""
    values = np.rint(values)
    np.clip(values, 0, full_scale(like), out=values)
    return values.astype(like.dtype)  # type: ignore[return-value]


def shown(values: Floats, negatives: Negatives, like: Image) -> Image:
    """`values`, from -white to white, as a channel of `like`."""
    if negatives == "offset":
        return rounded(values / 2 + np.float32(128 * level(like)), like)
    return rounded(np.abs(values) if negatives == "absolute" else values, like)


def each_colour(image: Image, changed: Callable[[Plane], Image]) -> Image:
    """`changed` of each colour channel by itself, which keeps memory low; alpha stays."""
    if image.ndim == 2:
        return changed(np.ascontiguousarray(image))
    result: Image = np.array(image, order="C")  # type: ignore[assignment]
    for channel in range(3):
        cv2.insertChannel(changed(cv2.extractChannel(image, channel)), result, channel)
    return result


def weighing(image: Image, linear: Linear, total: float) -> Linear:
    """`linear`, a filter whose weights sum to `total`, with neighbours weighed by alpha.

    As far as a neighbour is transparent, the pixel's own colour stands in for it: unseen colour
    has no effect, and a filter that changes nothing still changes nothing.
    """
    if is_opaque(image):
        return linear
    weight = image[..., 3].astype(np.float32) / np.float32(full_scale(image))
    own = np.float32(total) - linear(weight)
    return lambda plane: linear(plane * weight) + plane * own


def filtered(
    image: Image, laid: Laid, total: float, negatives: Negatives = "clip", offset: float = 0
) -> Image:
    """`laid`, a filter whose weights sum to `total`, of each colour as far as it is seen.

    `offset`, in the values of `image`, is added where negative values are clipped.
    """
    if is_opaque(image):
        return on_colour(image, lambda colour: _at_once(colour, laid, negatives, offset))
    linear = weighing(image, lambda plane: laid(plane, cv2.CV_32F, 1, 0), total)
    added = np.float32(offset)
    return each_colour(image, lambda plane: shown(linear(plane) + added, negatives, image))


def _at_once(colour: Image, laid: Laid, negatives: Negatives, offset: float) -> Image:
    """The same by OpenCV alone, which rounds, limits and takes all colours together."""
    gain, added = (0.5, 128 * level(colour)) if negatives == "offset" else (1, offset)
    found: Image = laid(colour, -1, gain, added)
    if negatives == "absolute":  # one of the two is black
        found = cv2.add(found, laid(colour, -1, -1, 0))  # type: ignore[assignment]
    return found


def in_eight_bits(image: Image, changed: Callable[[Image], Image]) -> Image:
    """`changed` of `image` in 8 bits, for what OpenCV does in 8 bits only; the depth is kept."""
    if image.dtype == np.uint8:
        return changed(contiguous(image))
    eight = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return changed(eight).astype(np.uint16) * np.uint16(257)


def smoothed(plane: Plane, sigma: float) -> Floats:
    """A Gaussian of four standard deviations to each side, in float."""
    side = odd(int(8 * sigma))
    plane = np.asarray(plane, np.float32)
    return cv2.GaussianBlur(plane, (side, side), sigma)  # type: ignore[return-value]
