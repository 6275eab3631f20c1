"""From bytes of an unknown format to a header: the one seam where parsing faults are translated."""

import struct
from collections.abc import Callable

from processors.errors import DamagedImage
from processors.probing import avif, bmp, gif, jpeg, png, tiff, webp
from processors.probing.header import Header, ImageFormat
from processors.probing.magic import sniff

READERS: dict[ImageFormat, Callable[[bytes], Header]] = {
    "jpeg": jpeg.read,
    "png": png.read,
    "webp": webp.read,
    "avif": avif.read,
    "tiff": tiff.read,
    "bmp": bmp.read,
    "gif": gif.read,
}

# A side beyond it fits no array of the decoder.
_SIDES = range(1, 2**31)


def probe(data: bytes) -> Header:
    """The header of the image that `data` holds.

    Raises UnsupportedFormat for what is not decoded, DamagedImage for what cannot be.
    """
    kind = sniff(data)
    try:
        header = READERS[kind](data)
    except (struct.error, IndexError) as error:
        raise DamagedImage(f"The {kind.upper()} header is truncated") from error
    if header.width not in _SIDES or header.height not in _SIDES:
        raise DamagedImage(f"The image says that it has {header.width} x {header.height} pixels")
    return header
