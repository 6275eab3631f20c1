"""Image file directories: the list of tags that TIFF files and EXIF data share.

Source: TIFF 6.0, section 2.
"""

import struct

from processors.errors import DamagedImage

# The reader of TIFF files takes a longer directory for a wrong offset; so does this one.
MAX_ENTRIES = 4096

BYTE, SHORT, LONG, UNDEFINED = 1, 3, 4, 7
_WIDTHS = {BYTE: 1, SHORT: 2, LONG: 4, UNDEFINED: 1}


class _Order:
    """The number formats of one byte order."""

    def __init__(self, sign: str) -> None:
        self.start = struct.Struct(f"{sign}2sHI")
        self.entry = struct.Struct(f"{sign}HHI")
        self.count = struct.Struct(f"{sign}H")
        self.offset = struct.Struct(f"{sign}I")
        byte = struct.Struct("B")
        self.value = {BYTE: byte, SHORT: self.count, LONG: self.offset, UNDEFINED: byte}


_ORDERS = {b"II": _Order("<"), b"MM": _Order(">")}


def first_values(data: bytes, start: int, wanted: frozenset[int]) -> dict[int, int]:
    """The first number of each wanted tag in the first directory of what begins at `start`.

    Raises DamagedImage or struct.error. A tag that is missing, or holds no whole number, is left
    out; of a repeated one, the first counts.
    """
    order = _ORDERS.get(data[start : start + 2])
    if order is None:
        raise DamagedImage("The directory of tags has no byte order")
    _, version, at = order.start.unpack_from(data, start)
    (count,) = order.count.unpack_from(data, start + at)
    if version != 42 or not 0 < count <= MAX_ENTRIES:
        raise DamagedImage("The directory of tags cannot be read")
    first = start + at + 2
    found: dict[int, int] = {}
    for entry in range(first, first + 12 * count, 12):
        tag, kind, length = order.entry.unpack_from(data, entry)
        if tag in wanted and tag not in found and kind in _WIDTHS and length:
            found[tag] = _first_value(data, start, order, kind, length, entry + 8)
    return found


def _first_value(data: bytes, start: int, order: _Order, kind: int, length: int, at: int) -> int:
    if length * _WIDTHS[kind] > 4:  # too long for the entry, which tells where it is instead
        at = start + int(order.offset.unpack_from(data, at)[0])
    return int(order.value[kind].unpack_from(data, at)[0])


def byte_values(data: bytes, wanted: int, limit: int) -> bytes | None:
    """The bytes of the wanted tag in the first directory of the TIFF `data`, `limit` at most.

    None when it is missing or of another kind. Raises DamagedImage or struct.error.
    """
    order, entry = _entry(data, wanted)
    if entry is None:
        return None
    _, kind, length = order.entry.unpack_from(data, entry)
    start = order.offset.unpack_from(data, entry + 8)[0] if length > 4 else entry + 8
    whole = kind in (BYTE, UNDEFINED) and length <= limit and start + length <= len(data)
    return data[start : start + length] if whole else None


def only_short(data: bytes, wanted: int) -> tuple[int, int] | None:
    """The wanted tag in the first directory of the TIFF `data`: its value, and where that begins.

    None when it is missing, of another kind, or more than one number. Raises DamagedImage or
    struct.error.
    """
    order, entry = _entry(data, wanted)
    if entry is None:
        return None
    _, kind, length = order.entry.unpack_from(data, entry)
    value = int(order.count.unpack_from(data, entry + 8)[0])
    return (value, entry + 8) if (kind, length) == (SHORT, 1) else None


def _entry(data: bytes, wanted: int) -> tuple[_Order, int | None]:
    """The byte order of the TIFF `data`, and where the wanted tag's entry begins."""
    order = _ORDERS.get(data[:2])
    if order is None:
        raise DamagedImage("The directory of tags has no byte order")
    _, _, at = order.start.unpack_from(data)
    (count,) = order.count.unpack_from(data, at)
    for entry in range(at + 2, at + 2 + 12 * min(count, MAX_ENTRIES), 12):
        if order.entry.unpack_from(data, entry)[0] == wanted:
            return order, entry
    return order, None
