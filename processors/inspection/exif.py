"""The tags of EXIF data that people read, by the names of the standard.

Source: Exif 3.0 (CIPA DC-008), section 4.6; the directories are those of TIFF 6.0, section 2. The
names are Pillow's list; the reading is bounded here, as a small file can claim much.
"""

import struct
from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from PIL.ExifTags import GPSTAGS, TAGS

from processors.inspection.coordinates import with_coordinates
from processors.inspection.report import TagValue

MAX_TAGS = 200
MAX_TEXT = 1000
MAX_NUMBERS = 16
"""The longest list of numbers that people read has six; longer ones are tables."""
_MAX_ENTRIES = 1000
_MAX_TEXT_BYTES = 4 * MAX_TEXT

_POINTERS = {34665: TAGS, 34853: GPSTAGS}
_UNREAD = {*_POINTERS, 40965}  # where other directories begin
_ORDERS = {b"II": "<", b"MM": ">"}
_ASCII, _UNDEFINED, _UTF8 = 2, 7, 129
_TYPES = {
    **{1: "B", _ASCII: "s", 3: "H", 4: "I", 5: "II", 6: "b", _UNDEFINED: "s", 8: "h", 9: "i"},
    **{10: "ii", 11: "f", 12: "d", _UTF8: "s"},
}
_VERSIONS = {"ExifVersion", "FlashPixVersion"}
_COMMENTS = {"UserComment", "GPSProcessingMethod", "GPSAreaInformation"}
_CODINGS = {
    b"ASCII\0\0\0": "ascii",
    b"UNICODE\0": "utf-16",
    b"JIS\0\0\0\0\0": "iso2022_jp",
    b"\0" * 8: "utf-8",
}


def readable_tags(exif: bytes | None) -> dict[str, TagValue]:
    """Tag names to values, of the first, the Exif and the GPS directory of `exif`.

    It starts with its byte order. At most 200 tags; text has 1,000 characters at most, a list 16
    numbers; what is binary, damaged, longer or without a name is left out. Latitude and longitude
    become signed degrees, the altitude signed metres. Raises nothing.
    """
    order = _ORDERS.get((exif or b"")[:2])
    if exif is None or order is None:
        return {}
    data = _Data(exif, order)
    found: dict[str, TagValue] = {}
    for names, entry in _all_entries(data):
        name = names.get(entry.tag)
        if name is None or name in found or entry.tag in _UNREAD or len(found) >= MAX_TAGS:
            continue
        value = _value(data, name, entry)
        if value is not None:
            found[name] = value
    return with_coordinates(found)


class _Entry(NamedTuple):
    """`at` is where its four bytes of value begin, or of the value's address."""

    tag: int
    kind: int
    length: int
    at: int


class _Data(NamedTuple):
    """Bytes and their order; what lies behind the end is empty."""

    whole: bytes
    order: str

    def numbers(self, kinds: str, at: int) -> tuple[int | float, ...]:
        try:
            return struct.unpack_from(self.order + kinds, self.whole, at)
        except struct.error:
            return ()

    def address(self, at: int) -> int | None:
        found = self.numbers("I", at)
        return int(found[0]) if found else None


def _all_entries(data: _Data) -> Iterator[tuple[dict[int, str], _Entry]]:
    """Those of the first directory, then those of the two that it points at."""
    inner = {}
    for entry in _entries(data, data.address(4)):
        if entry.tag in _POINTERS:
            inner[entry.tag] = data.address(entry.at)
        yield TAGS, entry
    for tag, at in inner.items():
        for entry in _entries(data, at):
            yield _POINTERS[tag], entry


def _entries(data: _Data, at: int | None) -> Iterator[_Entry]:
    if at is None or not (count := data.numbers("H", at)):
        return
    for number in range(min(int(count[0]), _MAX_ENTRIES)):
        start = at + 2 + 12 * number
        if not (found := data.numbers("HHI", start)):
            return
        tag, kind, length = map(int, found)
        yield _Entry(tag, kind, length, start + 8)


def _value(data: _Data, name: str, entry: _Entry) -> TagValue | None:
    kinds = _TYPES.get(entry.kind)
    if kinds is None or not entry.length:
        return None
    size = entry.length * struct.calcsize("=" + kinds)
    at = entry.at if size <= 4 else data.address(entry.at)
    if at is None or at + size > len(data.whole):
        return None
    if kinds == "s" or name.startswith("XP") or name in _COMMENTS:
        return _text(name, entry.kind, data.whole[at : at + min(size, _MAX_TEXT_BYTES)])
    if entry.length > MAX_NUMBERS:
        return None
    return _listed(data.numbers(kinds * entry.length, at), rational=len(kinds) == 2)


def _listed(numbers: tuple[int | float, ...], rational: bool) -> TagValue | None:
    """One number, or several as a list; None where one is no finite number."""
    values: list[int] | list[float] = list(numbers)
    if rational:
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if not all(below for _, below in pairs):
            return None
        values = [above / below for above, below in pairs]
    if not all(isfinite(value) for value in values):
        return None
    return values[0] if len(values) == 1 else values


def _text(name: str, kind: int, raw: bytes) -> TagValue | None:
    if name.startswith("XP"):  # Windows': UTF-16 in bytes
        return _cleaned(raw[: len(raw) & ~1].decode("utf-16-le", "replace"))
    if name in _COMMENTS:  # undefined by the standard, bytes in some files
        coding = _CODINGS.get(raw[:8])
        return _cleaned(raw[8:].decode(coding, "replace")) if coding else None
    if kind == _UNDEFINED and name not in _VERSIONS:
        return raw[0] if len(raw) == 1 else None
    try:
        return _cleaned(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _cleaned(raw.decode("latin-1"))  # cameras of before Exif 3.0


def _cleaned(text: str) -> str | None:
    """Up to its end, without control characters; None for nothing."""
    text = text.partition("\0")[0]
    plain = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    return plain.strip()[:MAX_TEXT] or None
