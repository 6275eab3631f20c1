"""Bytes to pixels."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from processors import metadata, tiff_alpha
from processors.errors import DamagedImage, OutOfMemory
from processors.native_messages import NativeMessages
from processors.opencv_errors import lacks_memory, reason_of
from processors.operation import Image, Size, size_of
from processors.probing import Header

if TYPE_CHECKING:
    from processors.profiles import Conversion

Channels = Literal["keep", "gray", "bgr"]
Colours = Literal["stored", "kept", "srgb"]

_REDUCED_COLOR = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_REDUCED_GRAY = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

_WORTH_BYTES = 64 * 1024
"""Below, OpenCV is as fast at 1/8."""


@dataclass(frozen=True, slots=True)
class DecodeMode:
    """How to decode.

    channels    keep: gray, colour, alpha and 16 bits as they are in the file;
                gray: one channel of 8 bits (JPEG only);
                bgr: three channels of 8 bits, whatever the file has, upright: OpenCV's `imread`
    reduction   1, 2, 4 or 8 (JPEG only): each side becomes ceil(side / reduction), by the DCT
    colours     stored: the numbers in the file; srgb: converted by the file's colour profile;
                kept: stored, but those of a CMYK JPEG as with srgb, since no result can carry
                its profile
    """

    channels: Channels = "keep"
    reduction: int = 1
    colours: Colours = "stored"

    def flags(self, header: Header) -> int:
        if self.channels == "bgr":
            upright = 0 if self.turns_upright(header) else cv2.IMREAD_IGNORE_ORIENTATION
            return cv2.IMREAD_COLOR | upright
        if header.format != "jpeg":
            return cv2.IMREAD_UNCHANGED
        gray = self.channels == "gray" or header.channels == 1
        modes = _REDUCED_GRAY if gray else _REDUCED_COLOR
        return modes[self.reduction] | cv2.IMREAD_IGNORE_ORIENTATION

    def size(self, header: Header) -> Size:
        """The size that decoding gives."""
        width = -(-header.width // self.reduction)
        height = -(-header.height // self.reduction)
        turned = self.turns_upright(header) and header.orientation >= 5
        return Size(height, width) if turned else Size(width, height)

    def turns_upright(self, header: Header) -> bool:
        """Whether decoding applies the orientation; OpenCV does not know the one of AVIF."""
        return self.channels == "bgr" and header.format != "avif"

    def describe(self) -> str:
        reduced = f", reduced to 1/{self.reduction}" if self.reduction > 1 else ""
        colours = ", colours to sRGB" if self.colours == "srgb" else ""
        return self.channels + reduced + colours


def decode(data: bytes, header: Header, mode: DecodeMode) -> Image:
    """The first frame of `data`: (H, W[, C]) uint8 or uint16, BGR or BGRA.

    A profile that is broken, or not for colours of this kind, is left out of account. Raises
    DamagedImage for a truncated or corrupt image, also where the library would fill in gray, and
    OutOfMemory.
    """
    conversion = _conversion(data, header, mode)
    if conversion is None:
        return _decode(data, header, mode)
    # A profile of colour has to see the colours, also where gray is wanted.
    in_full = replace(mode, channels="keep")
    if conversion.space == "CMYK":
        image = conversion.decode_cmyk(data, mode.size(header))
    else:
        image = conversion.apply(_decode(data, header, in_full))
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if _is_gray_wanted(image, mode) else image  # type: ignore[return-value]


def in_srgb(frames: list[Image], data: bytes, header: Header, mode: DecodeMode) -> list[Image]:
    """`frames`, decoded from `data` by other means, with their colours as `mode` asks."""
    conversion = _conversion(data, header, mode)
    return frames if conversion is None else [conversion.apply(frame) for frame in frames]


def _conversion(data: bytes, header: Header, mode: DecodeMode) -> "Conversion | None":
    """How the colours become sRGB; None where they stay, or are sRGB already."""
    if mode.colours == "stored" or not header.profile:
        return None
    profile = metadata.read(data, header.format).profile
    if profile is None:
        return None
    # Its library is large, and the server, which decodes nothing, should not load it.
    from processors.profiles import conversion_of

    conversion = conversion_of(profile)
    if conversion is None or conversion.space != "CMYK":
        return conversion if mode.colours == "srgb" else None
    return conversion if header.format == "jpeg" and header.channels == 3 else None


def _is_gray_wanted(image: Image, mode: DecodeMode) -> bool:
    return mode.channels == "gray" and image.ndim == 3


def _decode(data: bytes, header: Header, mode: DecodeMode) -> Image:
    if (eighth := _decode_eighth(data, header, mode)) is not None:
        return eighth
    multiplied = False
    if header.format == "tiff" and header.channels == 4 and mode.channels == "keep":
        data, multiplied = tiff_alpha.left_apart(data)
    image, messages = _imdecode(data, mode.flags(header))
    if messages.text and messages.tell_no_memory:
        raise OutOfMemory("decoding needs more memory than a worker may use")
    if image is None or size_of(image) != mode.size(header) or messages.tell_damage:
        reason = messages.reason or "its data end too early or contradict themselves"
        raise DamagedImage(f"the {header.format} image is damaged or truncated: {reason}")
    if multiplied:
        return tiff_alpha.divided(image)
    return _full_range(image, header.unused_bits) if header.unused_bits else image


def _full_range(image: Image, unused_bits: int) -> Image:
    """10 or 12 bits to 16, so that white stays white: the high bits repeat in the low ones."""
    if image.dtype != np.uint16:
        return image
    return (image << unused_bits) | (image >> (16 - 2 * unused_bits))  # type: ignore[return-value]


def _decode_eighth(data: bytes, header: Header, mode: DecodeMode) -> Image | None:
    """The fast path for large JPEGs; None where it does not apply, and for any fault."""
    if mode.reduction != 8 or len(data) < _WORTH_BYTES:
        return None
    # Its compiler is large, and the server, which decodes nothing, should not load it.
    from processors import jpeg_eighth

    size = (header.width, header.height)
    return jpeg_eighth.decode(data, mode.channels == "gray", size)


def _imdecode(data: bytes, flags: int) -> tuple[Image | None, NativeMessages]:
    try:
        with NativeMessages() as messages:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except MemoryError:
        raise OutOfMemory("decoding needs more memory than a worker may use") from None
    except cv2.error as error:
        if lacks_memory(error):
            raise OutOfMemory("decoding needs more memory than a worker may use") from None
        raise DamagedImage(f"the image cannot be decoded: {reason_of(error)}") from None
    return image, messages  # type: ignore[return-value]
