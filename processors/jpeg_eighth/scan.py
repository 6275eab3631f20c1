"""What stands before the entropy-coded data of a JPEG, and whether the fast path takes it."""

import struct
from dataclasses import dataclass

_SOF_SEQUENTIAL = (0xC0, 0xC1)
_DHT, _DQT, _DRI, _SOS, _ADOBE = 0xC4, 0xDB, 0xDD, 0xDA, 0xEE
_OTHER_SOF = frozenset(range(0xC2, 0xD0)) - {_DHT, 0xC8, 0xCC}
_YCBCR = 1
_SAMPLINGS = (((1, 1),), ((1, 1), (1, 1), (1, 1)), ((2, 2), (1, 1), (1, 1)))
_COMPONENT_IDS = ((1, 2, 3), (0, 1, 2))


class NotTaken(Exception):
    """The fast path does not take this image."""


@dataclass(frozen=True, slots=True)
class HuffmanSpec:
    """A table as the file has it: how many codes of 1 to 16 bits, and their symbols."""

    counts: bytes
    symbols: bytes


@dataclass(frozen=True, slots=True)
class Component:
    """One of gray, or Y, Cb and Cr; `quantizers` are 64 in zigzag order."""

    horizontal: int
    vertical: int
    quantizers: tuple[int, ...]
    dc: HuffmanSpec
    ac: HuffmanSpec


@dataclass(frozen=True, slots=True)
class Scan:
    """All that decoding needs; `offset` is where the entropy-coded data begin."""

    width: int
    height: int
    components: tuple[Component, ...]
    restart_interval: int
    offset: int


def read_scan(data: bytes) -> Scan:
    """Raises NotTaken; struct.error, IndexError and KeyError stand for broken data."""
    tables: dict[tuple[int, int], HuffmanSpec] = {}
    quantizers: dict[int, tuple[int, ...]] = {}
    frame, interval, position = b"", 0, 2
    while True:
        marker, segment, position = _segment(data, position)
        if marker in _SOF_SEQUENTIAL:
            if frame:
                raise NotTaken
            frame = segment
        elif marker == _DHT:
            tables.update(_huffman_tables(segment))
        elif marker == _DQT:
            quantizers.update(_quantizers(segment))
        elif marker == _DRI:
            (interval,) = struct.unpack(">H", segment)
        elif marker == _SOS:
            return _scan(frame, segment, tables, quantizers, interval, position)
        elif marker in _OTHER_SOF or (marker == _ADOBE and segment[11:12] != bytes([_YCBCR])):
            raise NotTaken


def _segment(data: bytes, position: int) -> tuple[int, bytes, int]:
    while data[position + 1] == 0xFF:
        position += 1
    if data[position] != 0xFF:
        raise NotTaken
    (length,) = struct.unpack_from(">H", data, position + 2)
    end = position + 2 + length
    return data[position + 1], data[position + 4 : end], end


def _huffman_tables(segment: bytes) -> dict[tuple[int, int], HuffmanSpec]:
    """By (class, number): class 0 for DC, 1 for AC."""
    found, position = {}, 0
    while position < len(segment):
        kind, counts = segment[position], segment[position + 1 : position + 17]
        end = position + 17 + sum(counts)
        symbols = segment[position + 17 : end]
        if len(counts) != 16 or len(symbols) != sum(counts):
            raise NotTaken
        found[kind >> 4, kind & 15] = HuffmanSpec(counts, symbols)
        position = end
    return found


def _quantizers(segment: bytes) -> dict[int, tuple[int, ...]]:
    found, position = {}, 0
    while position < len(segment):
        wide, number = divmod(segment[position], 16)
        layout = ">64H" if wide else ">64B"
        found[number] = struct.unpack_from(layout, segment, position + 1)
        position += 1 + struct.calcsize(layout)
    return found


def _scan(
    frame: bytes,
    header: bytes,
    tables: dict[tuple[int, int], HuffmanSpec],
    quantizers: dict[int, tuple[int, ...]],
    interval: int,
    offset: int,
) -> Scan:
    precision, height, width, count = struct.unpack_from(">BHHB", frame)
    described = [struct.unpack_from("BBB", frame, 6 + 3 * n) for n in range(count)]
    chosen = [struct.unpack_from("BB", header, 1 + 2 * n) for n in range(count)]
    ids = tuple(item[0] for item in described)
    sampling = tuple(divmod(item[1], 16) for item in described)
    single = header[0] == count and ids == tuple(item[0] for item in chosen)
    known = count == 1 or ids in _COMPONENT_IDS
    taken = precision == 8 and single and known and sampling in _SAMPLINGS
    if not taken or 0 in (width, height):
        raise NotTaken
    components = tuple(
        Component(
            factors[0],
            factors[1],
            quantizers[item[2]],
            tables[0, use[1] >> 4],
            tables[1, use[1] & 15],
        )
        for factors, item, use in zip(sampling, described, chosen, strict=True)
    )
    return Scan(width, height, components, interval, offset)
