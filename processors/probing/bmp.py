"""BMP: the core header of OS/2 and the info headers of Windows.

Source: Microsoft, "Bitmap Storage" (BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV5HEADER).
"""

import struct

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing.header import Header

_SIZE = struct.Struct("<14xI")
_CORE = struct.Struct("<18xHHxxH")  # width, height, bits a pixel
_INFO = struct.Struct("<18xiixxHI12xI")  # width, height, bits, compression, colours used
_MASKS = struct.Struct("<III")

_CORE_SIZE, _LEAST_INFO_SIZE, _FILE_HEADER = 12, 36, 14
_PLAIN, _RLE8, _RLE4, _BITFIELDS = range(4)
_LAYOUTS = {(bits, _PLAIN) for bits in (1, 4, 8, 16, 24, 32)} | {
    (8, _RLE8),
    (4, _RLE4),
    (16, _BITFIELDS),
    (32, _BITFIELDS),
}
_MASKS_16 = {(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)}


def read(data: bytes) -> Header:
    (size,) = _SIZE.unpack_from(data)
    if size == _CORE_SIZE:
        return _core(data)
    if size < _LEAST_INFO_SIZE:
        raise UnsupportedFormat(f"BMP with a header of {size} bytes is not supported")
    width, height, bits, compression, used = _INFO.unpack_from(data)
    if (bits, compression) not in _LAYOUTS:
        raise UnsupportedFormat(
            f"BMP of {bits} bits a pixel with compression {compression} is not supported"
        )
    # a negative height says that the rows go from top to bottom
    channels = _channels(data, _FILE_HEADER + size, bits, compression, used)
    return Header("bmp", width, abs(height), channels, 8, 1, False)


def _core(data: bytes) -> Header:
    """An image with the core header, which the decoder turns to gray unless told otherwise."""
    width, height, bits = _CORE.unpack_from(data)
    if bits not in (1, 4, 8, 24, 32):
        raise UnsupportedFormat(f"BMP of {bits} bits a pixel is not supported")
    return Header("bmp", width, height, 1, 8, 1, False)


def _channels(data: bytes, at: int, bits: int, compression: int, used: int) -> int:
    if bits <= 8:
        return 1 if _gray_palette(data, at, bits, used) else 3
    if bits == 16 and compression == _BITFIELDS and _MASKS.unpack_from(data, at) not in _MASKS_16:
        raise UnsupportedFormat("BMP of 16 bits a pixel is supported as 5-5-5 and 5-6-5 only")
    return 4 if bits == 32 and compression == _BITFIELDS else 3


def _gray_palette(data: bytes, at: int, bits: int, used: int) -> bool:
    """Whether red, green and blue are equal in every colour of the palette."""
    if used > 256:
        raise DamagedImage(f"The BMP says that it has a palette of {used} colours")
    size = 4 * (used or 1 << bits)
    if at + size > len(data):
        raise DamagedImage("The BMP palette is truncated")
    palette = data[at : at + min(size, 4 << bits)]
    return palette[0::4] == palette[1::4] == palette[2::4]
