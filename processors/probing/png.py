"""PNG: the image header and the chunks before the pixels.

Source: PNG (Third Edition), W3C; chunks IHDR, PLTE, tRNS, eXIf, iCCP, acTL.
"""

import struct

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import exif
from processors.probing.header import Header

_IHDR = struct.Struct(">I4sIIBBBBB")
_CHUNK = struct.Struct(">I4s")
_FRAMES = struct.Struct(">I")
_FIRST_CHUNK, _SECOND_CHUNK = 8, 33
_MAX_CHUNKS = 4096

_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_DEPTHS = {
    _GRAY: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GRAY_ALPHA: (8, 16),
    _RGBA: (8, 16),
}
_CHANNELS = {_GRAY: 1, _RGB: 3, _PALETTE: 3, _GRAY_ALPHA: 4, _RGBA: 4}


def read(data: bytes) -> Header:
    length, kind, width, height, depth, colour, *methods = _IHDR.unpack_from(data, _FIRST_CHUNK)
    if kind == b"CgBI":
        raise UnsupportedFormat("The PNG is in Apple's private variant (CgBI)")
    if kind != b"IHDR" or length != 13:
        raise DamagedImage("The PNG does not start with an image header")
    if depth not in _DEPTHS.get(colour, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
        raise DamagedImage("The PNG image header contradicts itself")
    transparent, orientation, frames, profile = _scan(data, colour)
    channels = 4 if transparent else _CHANNELS[colour]
    bits, interlaced = 16 if depth == 16 else 8, methods[2] == 1
    return Header(
        "png",
        width,
        height,
        channels,
        bits,
        orientation,
        interlaced,
        frames=max(frames, 1),
        profile=profile,
    )


def _scan(data: bytes, colour: int) -> tuple[bool, int, int, bool]:
    """Whether the chunks before the pixels add transparency, the orientation and the number of
    frames that they note, and whether they hold a profile."""
    at, colours, transparent, orientation, frames = _SECOND_CHUNK, 0, False, None, 1
    profile = False
    for _ in range(_MAX_CHUNKS):
        length, kind = _CHUNK.unpack_from(data, at)
        if kind == b"IDAT":
            return transparent, orientation or 1, frames, profile
        if kind == b"PLTE":
            colours = length // 3
        elif kind == b"tRNS":
            transparent = transparent or _adds_alpha(colour, length, colours)
        elif kind == b"eXIf" and orientation is None:
            orientation = exif.orientation(data, at + 8)
        elif kind == b"iCCP":
            profile = True
        elif kind == b"acTL":
            (frames,) = _FRAMES.unpack_from(data, at + 8)
        elif kind == b"IEND":
            break
        at += 12 + length
    raise DamagedImage("The PNG has no pixels")


def _adds_alpha(colour: int, length: int, colours: int) -> bool:
    """Whether decoding heeds a tRNS chunk: never for gray, nor when its length is wrong."""
    if colour == _RGB:
        return length == 6
    return colour == _PALETTE and 0 < length <= colours
