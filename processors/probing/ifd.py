"""Image file directories: the list of tags that TIFF files and EXIF data share.

Source: TIFF 6.0, section 2.
"""

import struct

from processors.errors import DamagedImage

# The reader of TIFF files takes a longer directory for a wrong offset; so does this one.
MAX_ENTRIES = 4096

BYTE, SHORT, LONG = 1, 3, 4
_WIDTHS = {BYTE: 1, SHORT: 2, LONG: 4}


class _Order:
    """The number formats of one byte order."""

    def __init__(self, sign: str) -> None:
        self.start = struct.Struct(f"{sign}2sHI")
        self.entry = struct.Struct(f"{sign}HHI")
        self.count = struct.Struct(f"{sign}H")
        self.offset = struct.Struct(f"{sign}I")
        self.value = {BYTE: struct.Struct("B"), SHORT: self.count, LONG: self.offset}


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
