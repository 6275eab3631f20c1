"""What a probe finds out about an image."""

from dataclasses import dataclass
from typing import Literal, get_args

ImageFormat = Literal["jpeg", "png", "webp", "avif", "tiff", "bmp", "gif"]

FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of an image that a plan depends on; hashable, fit to be a cache key.

    `width` and `height` are those of the decoded array, in pixels, before `orientation` is applied.
    """

    format: ImageFormat
    width: int
    height: int
    channels: int  # 1 gray, 3 colour, 4 colour with alpha; gray with alpha is decoded to 4
    bit_depth: int  # bits a sample that decoding keeps: 8 or 16
    orientation: int  # EXIF 1..8 still to be applied to the decoded array; 1 when upright
    progressive: bool  # progressive JPEG, interlaced PNG
    unused_bits: int = 0  # of 16: AVIF of 10 or 12 bits is decoded to the low bits of a sample
    frames: int = 1  # of a GIF, a WebP or an APNG; the other facts are those of the first
    profile: bool = False  # whether there is a colour profile, be it sound or not
