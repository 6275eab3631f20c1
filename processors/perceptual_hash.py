"""A hash of what a picture looks like: alike for alike pictures, whatever their size and format.

Source: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
section 3.2.1, the hash "DCT" of pHash.
"""

import cv2
import numpy as np

from processors.alpha import full_scale
from processors.operation import Image, channels_of

BITS = 64
_SIDE = 32
_FREQUENCIES = slice(1, 9)
_NOISE = 1e-3
"""Of levels: what rounding leaves where a frequency is absent."""


def perceptual_hash(image: Image) -> int:
    """The 64-bit hash of `image`, any size; alpha does not count, 16 bits count as 8.

    Gray, 32 x 32 by area, DCT-II; of its 8 x 8 lowest frequencies but the constant ones, row by
    row from the most significant bit, a bit tells whether it is above their median. An image of
    one colour has 0.
    """
    small = cv2.resize(gray8(image), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    levels = small.astype(np.float64)
    found = cv2.dct(levels - levels.mean())[_FREQUENCIES, _FREQUENCIES].ravel()
    found[np.abs(found) < _NOISE] = 0
    bits = np.packbits(found > np.median(found))
    return int.from_bytes(bits.tobytes(), "big")


def distance(first: int, second: int) -> int:
    """How many of the 64 bits differ: about 32 for pictures that have nothing in common."""
    return (first ^ second).bit_count()


def gray8(image: Image) -> Image:
    """(H, W) uint8: the luma of `image` (ITU-R BT.601, as OpenCV's), without its alpha."""
    codes = {3: cv2.COLOR_BGR2GRAY, 4: cv2.COLOR_BGRA2GRAY}
    code = codes.get(channels_of(image))
    return eight_bits(image if code is None else cv2.cvtColor(image, code))  # type: ignore[arg-type]


def eight_bits(image: Image) -> Image:
    """`image` in levels of 8 bits, rounded; itself where it has them."""
    if image.dtype == np.uint8:
        return image
    return cv2.convertScaleAbs(image, alpha=255 / full_scale(image))  # type: ignore[return-value]
