"""Boxes: the nested containers of the ISO base media file format, and the items of a `meta` box.

Source: ISO/IEC 14496-12, sections 4.2 and 8.11; ISO/IEC 23008-12, section 9.3 (`ipma`).
"""

import struct
from collections.abc import Iterator

from processors.errors import DamagedImage

Box = tuple[bytes, int, int]  # type, start and end of the body

_BOX = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")
_FULL = struct.Struct(">I")  # version in the upper 8 bits, flags in the lower 24
_IDS = struct.Struct(">H"), struct.Struct(">I")  # item numbers of the versions 0 and 1
_COUNT = struct.Struct(">I")

_MAX_BOXES = 1024
_MAX_ITEMS = 4096
_MAX_REFERRED = 64  # a grid may refer to many tiles, of which the first is enough


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes from `start` to `end`, one level deep."""
    for _ in range(_MAX_BOXES):
        if start + _BOX.size > end:
            return
        size, kind = _BOX.unpack_from(data, start)
        body = start + _BOX.size
        if size == 1:
            (size,), body = _LARGE.unpack_from(data, body), body + _LARGE.size
        stop = start + size if size else end  # 0: up to the end of what contains it
        if not body <= stop <= end:
            raise DamagedImage(f"The box {kind!r} does not fit in what contains it")
        yield kind, body, stop
        start = stop
    raise DamagedImage("There are too many boxes")


def primary_item(data: bytes, start: int) -> int:
    """The number of the item that `pitm` declares to be the image."""
    wide = data[start] > 0
    return int(_IDS[wide].unpack_from(data, start + 4)[0])


def references(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, list[int]]]:
    """The references of `iref`: kind, the item that refers, the items referred to."""
    number = _IDS[data[start] > 0]
    for kind, at, stop in boxes(data, start + 4, end):
        (origin,) = number.unpack_from(data, at)
        at += number.size + 2
        stops = min(at + _MAX_REFERRED * number.size, stop - number.size + 1)
        yield kind, origin, [number.unpack_from(data, i)[0] for i in range(at, stops, number.size)]


def associations(
    data: bytes, start: int, end: int, wanted: set[int]
) -> Iterator[tuple[int, list[int]]]:
    """The wanted items of `ipma`, with the positions, from 1, of their properties in `ipco`."""
    (full,) = _FULL.unpack_from(data, start)
    number, wide = _IDS[full >> 24 > 0], full & 1
    (count,) = _COUNT.unpack_from(data, start + 4)
    at = start + 8
    for _ in range(min(count, _MAX_ITEMS)):
        (item,) = number.unpack_from(data, at)
        at += number.size
        first, at = at + 1, at + 1 + (data[at] << wide)
        if at > end:
            raise DamagedImage("The list of item properties is truncated")
        if item in wanted:
            yield item, _positions(data[first:at], wide)


def _positions(entries: bytes, wide: int) -> list[int]:
    """The positions, without the upper bit, which says whether a property is essential."""
    if not wide:
        return [entry & 0x7F for entry in entries]
    return [(high & 0x7F) << 8 | low for high, low in zip(entries[::2], entries[1::2], strict=True)]


def item_kinds(data: bytes, start: int, end: int) -> dict[int, tuple[bytes, bytes]]:
    """The items of `iinf`: number to kind and, for `mime` items, their content type."""
    found: dict[int, tuple[bytes, bytes]] = {}
    header = 6 if data[start] == 0 else 8
    for _, body, stop in boxes(data, start + header, end):
        version = data[body]
        if version < 2:
            continue
        number = _IDS[version > 2]
        (item,) = number.unpack_from(data, body + 4)
        at = body + 4 + number.size + 2
        _, _, content = data[at + 4 : stop].partition(b"\0")
        found[item] = data[at : at + 4], content.partition(b"\0")[0]
    return found


def item_extents(data: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    """Start and length, in the file, of each item of `iloc` that lies there in one piece.

    Source: ISO/IEC 14496-12, section 8.11.3.
    """
    version, sizes = data[start], int.from_bytes(data[start + 4 : start + 6], "big")
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version in (1, 2) else 0
    number = _IDS[version > 1]
    (count,) = number.unpack_from(data, start + 6)
    fields = _Fields(data, start + 6 + number.size)
    found: dict[int, tuple[int, int]] = {}
    for _ in range(min(count, _MAX_ITEMS)):
        item = fields.take(number.size)
        method = fields.take(2) & 15 if version in (1, 2) else 0
        fields.take(2)  # which file: this one
        place, extents = fields.take(base), fields.take(2)
        for _ in range(min(extents, _MAX_REFERRED)):
            fields.take(index)
            begin, size = fields.take(offset), fields.take(length)
        if fields.at > end:
            raise DamagedImage("The list of item locations is truncated")
        if extents == 1 and method == 0:
            found[item] = place + begin, size
    return found


class _Fields:
    """Numbers of given widths, one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, width: int) -> int:
        self.at += width
        return int.from_bytes(self._data[self.at - width : self.at], "big")
