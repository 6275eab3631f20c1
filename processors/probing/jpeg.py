"""JPEG: the frame header, found by walking the marker segments.

Source: ITU-T T.81, Annex B; Exif 3.0 for the APP1 segment; ICC.1:2022, annex B.4, for APP2.
"""

import re
import struct

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import exif
from processors.probing.header import Header

_SEGMENT = struct.Struct(">BBH")  # 0xFF, marker, length
_FRAME = struct.Struct(">BHHB")  # precision, height, width, components

_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS = 0xC0, 0xC1, 0xC2, 0xC3
_ARITHMETIC, _ARITHMETIC_PROGRESSIVE = 0xC9, 0xCA
_DECODED = {_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS, _ARITHMETIC, _ARITHMETIC_PROGRESSIVE}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC share the range
_STANDALONE = {0x01, *range(0xD0, 0xD8)}  # TEM and RSTn have no length
_ENDS = {0xD8, 0xD9, 0xDA}  # SOI again, EOI, SOS: no frame header will follow
_SOS, _APP1, _APP2 = 0xDA, 0xE1, 0xE2
_ICC_PREFIX = b"ICC_PROFILE\0"

# Fill bytes and garbage before a marker are skipped, as decoders do, but not for ever.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MAX_GARBAGE = 4096
_MAX_SEGMENTS = 4096
_MAX_SCANS = 500
"""Where libjpeg-turbo's fuzzers stop. Encoders write about ten; each costs a pass over the image,
even when it is empty."""


def read(data: bytes) -> Header:
    at, orientation, profile = 2, None, False
    for _ in range(_MAX_SEGMENTS):
        lead, marker, length = _SEGMENT.unpack_from(data, at)
        if lead != 0xFF or marker in (0x00, 0xFF):
            at = _next_marker(data, at)
        elif marker in _FRAMES:
            return _frame(data, at, marker, length, orientation or 1, profile)
        elif marker in _STANDALONE:
            at += 2
        elif marker in _ENDS or length < 2:
            break
        else:
            if marker == _APP1 and orientation is None and data.startswith(exif.PREFIX, at + 4):
                orientation = exif.orientation(data, at + 4)
            elif marker == _APP2 and data.startswith(_ICC_PREFIX, at + 4):
                profile = True
            at += 2 + length
    raise DamagedImage("The JPEG has no frame header")


def _next_marker(data: bytes, at: int) -> int:
    found = _MARKER.search(data, at, at + _MAX_GARBAGE)
    if not found:
        raise DamagedImage("The JPEG has no frame header")
    return found.start()


def _frame(
    data: bytes, at: int, marker: int, length: int, orientation: int, profile: bool
) -> Header:
    precision, height, width, components = _FRAME.unpack_from(data, at + 4)
    if length != 8 + 3 * components:
        raise DamagedImage("The JPEG frame header has a wrong length")
    if marker not in _DECODED:
        raise UnsupportedFormat(f"JPEG of process SOF{marker - 0xC0} is not supported")
    if precision != 8:
        raise UnsupportedFormat(f"JPEG of {precision} bits a sample is not supported, only of 8")
    if components not in (1, 3, 4):
        raise UnsupportedFormat(f"JPEG of {components} components is not supported")
    progressive = marker in (_PROGRESSIVE, _ARITHMETIC_PROGRESSIVE)
    if progressive or not _has_one_scan(data, at + 2 + length, components):
        _check_scans(data, at)
    # CMYK and YCCK, the four components, are decoded to colour without alpha
    channels = min(components, 3)
    return Header("jpeg", width, height, channels, 8, orientation, progressive, profile=profile)


def _has_one_scan(data: bytes, at: int, components: int) -> bool:
    """Whether the first scan of a sequential JPEG has all components: no other one is read then.

    False also where that is not to be seen.
    """
    for _ in range(_MAX_SEGMENTS):
        head = data[at : at + 5]
        if len(head) < 5 or head[0] != 0xFF:
            return False
        if head[1] == _SOS:
            return head[4] == components
        at += 2 + int.from_bytes(head[2:4])
    return False


def _check_scans(data: bytes, at: int) -> None:
    # Compressed data cannot hold the marker: there a zero follows each 0xFF.
    scans = data.count(bytes((0xFF, _SOS)), at)
    if scans > _MAX_SCANS:
        raise UnsupportedFormat(f"The JPEG has {scans} scans; at most {_MAX_SCANS} are read")
