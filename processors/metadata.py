"""What a file says beside its pixels: EXIF, XMP and the colour profile.

Source: Exif 3.0 (CIPA DC-008); XMP Specification Part 3; ICC.1:2022, annex B, for JPEG; PNG (Third
Edition), iCCP, eXIf and iTXt; RFC 9649 (WebP); ISO/IEC 23008-12 (AVIF); TIFF 6.0.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from processors.errors import DamagedImage
from processors.probing import ImageFormat
from processors.probing.bmff import boxes, item_extents, item_kinds
from processors.probing.ifd import byte_values

MAX_PROFILE = 4 * 1024 * 1024
MAX_EXIF = MAX_XMP = 1024 * 1024
_LEAST_PROFILE = 132  # the header and an empty list of tags
_MAX_PARTS = 10_000

EXIF_PREFIX = b"Exif\0\0"
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
ICC_PREFIX = b"ICC_PROFILE\0"
XMP_KEYWORD = b"XML:com.adobe.xmp"
_SOS, _EOI, _APP1, _APP2 = 0xDA, 0xD9, 0xE1, 0xE2
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_TIFF_XMP, _TIFF_PROFILE = 700, 34675
_BYTE_ORDERS = (b"II*\0", b"MM\0*")


@dataclass(frozen=True, slots=True)
class Metadata:
    """`exif` starts with its byte order, "II" or "MM"; `profile` is an ICC profile. For TIFF,
    whose own directory is the EXIF one, `exif` is the whole file."""

    exif: bytes | None = None
    profile: bytes | None = None
    xmp: bytes | None = None


def read(data: bytes, format: ImageFormat) -> Metadata:
    """The metadata in the file `data`; what is absent, damaged or too long is None.

    A profile has 4 MiB at most, EXIF (but for TIFF) and XMP 1 MiB each. Raises nothing.
    """
    found = _Found()
    with suppress(struct.error, IndexError, ValueError, StopIteration, zlib.error, DamagedImage):
        _READERS[format](data, found)  # what comes before a fault is still good
    return Metadata(_exif(found.exif, format), _profile(found.profile), _xmp(found.xmp))


@dataclass(slots=True)
class _Found:
    exif: bytes | None = None
    profile: bytes | None = None
    xmp: bytes | None = None


def stated(exif: bytes | None, profile: bytes | None) -> Metadata:
    """What is known of an image otherwise than by its file; None for what cannot be meant."""
    return Metadata(_exif(exif, "png"), _profile(profile))


def _exif(data: bytes | None, format: ImageFormat) -> bytes | None:
    if data is None or format == "tiff":
        return data
    data = data.removeprefix(EXIF_PREFIX)
    return data if data[:4] in _BYTE_ORDERS and len(data) <= MAX_EXIF else None


def _profile(data: bytes | None) -> bytes | None:
    """A profile states its own size, and that it is one."""
    if data is None or not _LEAST_PROFILE <= len(data) <= MAX_PROFILE or data[36:40] != b"acsp":
        return None
    size = int.from_bytes(data[:4], "big")
    return data[:size] if _LEAST_PROFILE <= size <= len(data) else None


def _xmp(data: bytes | None) -> bytes | None:
    return data if data and len(data) <= MAX_XMP else None


def _read_jpeg(data: bytes, found: _Found) -> None:
    parts: dict[int, bytes] = {}
    total = 0
    for marker, start, end in _segments(data):
        if marker == _APP1 and found.exif is None and data.startswith(EXIF_PREFIX, start):
            found.exif = data[start:end]
        elif marker == _APP1 and found.xmp is None and data.startswith(XMP_PREFIX, start):
            found.xmp = data[start + len(XMP_PREFIX) : end]
        elif marker == _APP2 and data.startswith(ICC_PREFIX, start):
            number, total = data[start + 12], data[start + 13]
            parts.setdefault(number, data[start + 14 : end])
    if parts and sorted(parts) == list(range(1, total + 1)):
        found.profile = b"".join(parts[number] for number in sorted(parts))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the body of each segment before the first scan."""
    at = 2
    for _ in range(_MAX_PARTS):
        if at + 4 > len(data) or data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker in (_SOS, _EOI):
            return
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if end < at + 4 or end > len(data):
                return
            yield marker, at + 4, end
            at = end


def _read_png(data: bytes, found: _Found) -> None:
    at = 8
    for _ in range(_MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        start, at = at + 8, at + 12 + length
        if at > len(data):
            return
        if kind == b"eXIf" and found.exif is None:
            found.exif = data[start : start + length]
        elif kind == b"iCCP" and found.profile is None:
            _, _, packed = data[start : start + length].partition(b"\0")
            found.profile = _inflated(packed[1:], MAX_PROFILE)
        elif kind == b"iTXt" and data.startswith(XMP_KEYWORD + b"\0", start):
            found.xmp = _international_text(data[start : start + length])
        elif kind == b"IEND":
            return


def _international_text(body: bytes) -> bytes | None:
    """The text of an iTXt chunk: behind keyword, compression, language, translated keyword."""
    _, _, rest = body.partition(b"\0")
    compressed, (_, _, text) = rest[0], (*rest[2:].split(b"\0", 2),)
    return _inflated(text, MAX_XMP) if compressed else text


def _inflated(packed: bytes, limit: int) -> bytes | None:
    inflater = zlib.decompressobj()
    data = inflater.decompress(packed, limit + 1)
    return data if inflater.eof and len(data) <= limit else None


def _read_webp(data: bytes, found: _Found) -> None:
    at = 12
    for _ in range(_MAX_PARTS):
        kind, length = struct.unpack_from("<4sI", data, at)
        start, at = at + 8, at + 8 + length + length % 2
        if start + length > len(data):
            return
        if kind == b"ICCP" and found.profile is None:
            found.profile = data[start : start + length]
        elif kind == b"EXIF" and found.exif is None:
            found.exif = data[start : start + length]
        elif kind == b"XMP " and found.xmp is None:
            found.xmp = data[start : start + length]


def _read_avif(data: bytes, found: _Found) -> None:
    """The profile is a property; EXIF and XMP are items, whose places `iloc` tells."""
    meta = next(box for box in boxes(data, 0, len(data)) if box[0] == b"meta")
    inside = {kind: (start, end) for kind, start, end in boxes(data, meta[1] + 4, meta[2])}
    if b"iprp" in inside:
        found.profile = _avif_profile(data, *inside[b"iprp"])
    if b"iinf" not in inside or b"iloc" not in inside:
        return
    extents = item_extents(data, *inside[b"iloc"])
    for item, (kind, mime) in item_kinds(data, *inside[b"iinf"]).items():
        if item not in extents:
            continue
        start, length = extents[item]
        body = data[start : start + length]
        if len(body) < length or length > MAX_EXIF:
            continue
        if kind == b"Exif" and found.exif is None:  # the first four bytes: where TIFF data begin
            found.exif = body[4 + int.from_bytes(body[:4], "big") :]
        elif kind == b"mime" and mime == b"application/rdf+xml" and found.xmp is None:
            found.xmp = body


def _avif_profile(data: bytes, start: int, end: int) -> bytes | None:
    _, first, stop = next(boxes(data, start, end))
    for kind, body, after in boxes(data, first, stop):
        if kind == b"colr" and data[body : body + 4] in (b"prof", b"rICC"):
            return data[body + 4 : after]
    return None


def _read_tiff(data: bytes, found: _Found) -> None:
    found.exif = data
    found.profile = byte_values(data, _TIFF_PROFILE, MAX_PROFILE)
    found.xmp = byte_values(data, _TIFF_XMP, MAX_XMP)


def _read_nothing(data: bytes, found: _Found) -> None:
    """BMP and GIF: nothing that is heeded."""


_READERS: dict[ImageFormat, Callable[[bytes, _Found], None]] = {
    "jpeg": _read_jpeg,
    "png": _read_png,
    "webp": _read_webp,
    "avif": _read_avif,
    "tiff": _read_tiff,
    "bmp": _read_nothing,
    "gif": _read_nothing,
}
