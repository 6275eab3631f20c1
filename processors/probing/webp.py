"""WebP: the first chunk of the container, the orientation in its EXIF chunk, and the frames.

Source: RFC 9649 (WebP); RFC 6386, section 9.1, for the lossy key frame.
"""

import struct

from processors.errors import DamagedImage
from processors.probing import exif
from processors.probing.header import Header

_CHUNK = struct.Struct("<4sI")
_KEY_FRAME = struct.Struct("<3x3sHH")  # after the frame tag: start code, width, height
_LOSSLESS = struct.Struct("<BI")  # signature, 14 bits width - 1, 14 bits height - 1, alpha, version
_EXTENDED = struct.Struct("<B3xHBHB")  # flags, 24 bits width - 1, 24 bits height - 1

_FIRST_CHUNK, _PAYLOAD = 12, 20
_PROFILE, _ALPHA, _EXIF, _ANIMATION = 0x20, 0x10, 0x08, 0x02
_RIFF_SIZE = struct.Struct("<4xI")  # of what follows it
_MAX_CHUNKS = 10_000


def read(data: bytes) -> Header:
    kind, length = _CHUNK.unpack_from(data, _FIRST_CHUNK)
    if kind == b"VP8X":
        return _extended(data, length)
    if kind == b"VP8L":
        return _lossless(data)
    if kind == b"VP8 ":
        return _lossy(data)
    raise DamagedImage("The WebP starts with no image")


def _lossy(data: bytes) -> Header:
    start_code, width, height = _KEY_FRAME.unpack_from(data, _PAYLOAD)
    if start_code != b"\x9d\x01\x2a" or data[_PAYLOAD] & 1:
        raise DamagedImage("The WebP does not start with a key frame")
    return Header("webp", width & 0x3FFF, height & 0x3FFF, 3, 8, 1, False)


def _lossless(data: bytes) -> Header:
    signature, bits = _LOSSLESS.unpack_from(data, _PAYLOAD)
    if signature != 0x2F or bits >> 29:
        raise DamagedImage("The WebP lossless header is not one")
    width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return Header("webp", width, height, 4 if bits >> 28 & 1 else 3, 8, 1, False)


def _extended(data: bytes, length: int) -> Header:
    flags, width, width_high, height, height_high = _EXTENDED.unpack_from(data, _PAYLOAD)
    if length < _EXTENDED.size:
        raise DamagedImage("The WebP extended header is too short")
    orientation = _orientation(data, _PAYLOAD + length + length % 2) if flags & _EXIF else 1
    channels = 4 if flags & _ALPHA else 3
    width, height = (width_high << 16) + width + 1, (height_high << 16) + height + 1
    frames = _frames(data, _PAYLOAD + length + length % 2) if flags & _ANIMATION else 1
    profile = bool(flags & _PROFILE)
    return Header(
        "webp", width, height, channels, 8, orientation, False, frames=frames, profile=profile
    )


def _frames(data: bytes, at: int) -> int:
    """The number of frames of an animation, by a walk over its chunks."""
    end, frames = 8 + _RIFF_SIZE.unpack_from(data)[0], 0
    for _ in range(_MAX_CHUNKS):
        if at + _CHUNK.size > end:
            return max(frames, 1)
        kind, length = _CHUNK.unpack_from(data, at)
        frames += kind == b"ANMF"
        at += _CHUNK.size + length + length % 2
    raise DamagedImage("The WebP has too many chunks")


def _orientation(data: bytes, at: int) -> int:
    """The orientation in the EXIF chunk, which mostly comes last."""
    for _ in range(_MAX_CHUNKS):
        if at + _CHUNK.size > len(data):
            return 1
        kind, length = _CHUNK.unpack_from(data, at)
        if kind == b"EXIF":
            return exif.orientation(data, at + 8)
        at += 8 + length + length % 2
    raise DamagedImage("The WebP has too many chunks")
