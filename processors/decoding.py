"""Bytes to pixels."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from processors.errors import DamagedImage, OutOfMemory
from processors.native_messages import NativeMessages
from processors.operation import Image, Size, size_of
from processors.probing import Header

Channels = Literal["keep", "gray", "bgr"]

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
    """

    channels: Channels = "keep"
    reduction: int = 1

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
        return self.channels + reduced


def decode(data: bytes, header: Header, mode: DecodeMode) -> Image:
    """The first frame of `data`: (H, W[, C]) uint8 or uint16, BGR or BGRA.

    Raises DamagedImage for a truncated or corrupt image, also where the library would fill in
    gray, and OutOfMemory.
    """
    if (eighth := _decode_eighth(data, header, mode)) is not None:
        return eighth
    image, messages = _imdecode(data, mode.flags(header))
    if messages.text and messages.tell_no_memory:
        raise OutOfMemory("decoding needs more memory than a worker may use")
    if image is None or size_of(image) != mode.size(header) or messages.tell_damage:
        reason = messages.reason or "its data end too early or contradict themselves"
        raise DamagedImage(f"the {header.format} image is damaged or truncated: {reason}")
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
        if error.code == cv2.Error.StsNoMem:
            raise OutOfMemory("decoding needs more memory than a worker may use") from None
        raise DamagedImage(f"the image cannot be decoded: {error.err}") from None
    return image, messages  # type: ignore[return-value]
