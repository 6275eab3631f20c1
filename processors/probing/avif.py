"""AVIF: the properties of the primary item.

Source: AV1 Image File Format (AOMedia); ISO/IEC 23008-12 (HEIF), section 6.5, for `ispe`, `auxC`,
`irot` and `imir`; AV1-ISOBMFF, section 2.3, for `av1C`; ISO/IEC
14496-12, section 12.1.5, for `colr`.

Decoding applies neither `irot` nor `imir`, so they are given as an orientation. The EXIF item is
not read: HEIF declares its orientation void beside these properties, and encoders derive them.
"""

import struct

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing.bmff import Box, associations, boxes, primary_item, references
from processors.probing.header import Header

_EXTENT = struct.Struct(">4xII")
_HIGH_DEPTH, _TWELVE_BITS, _MONOCHROME = 0x40, 0x20, 0x10
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")

_MAX_LISTS = 4  # the `ipma` boxes after `ipco`: one for each layout that they can have

# (quarter turns against the clock, then mirror axis or None) to the EXIF orientation
_ORIENTATIONS = {
    (0, None): 1,
    (0, 0): 4,
    (0, 1): 2,
    (1, None): 8,
    (1, 0): 5,
    (1, 1): 7,
    (2, None): 3,
    (2, 0): 2,
    (2, 1): 4,
    (3, None): 6,
    (3, 0): 7,
    (3, 1): 5,
}


Properties = dict[bytes, Box]  # by kind
Link = tuple[bytes, int, list[int]]


def read(data: bytes) -> Header:
    meta = _index(data, _required(_first(data, b"meta"), b"meta"), skip=4)
    primary = primary_item(data, _required(meta, b"pitm")[1])
    links = list(references(data, *meta[b"iref"][1:])) if b"iref" in meta else []
    auxiliary = {origin for kind, origin, to in links if kind == b"auxl" and primary in to}
    tile = _first_tile(primary, links)
    items = _properties(data, _required(meta, b"iprp"), {primary, tile} | auxiliary)
    alpha = any(_is_alpha(data, items.get(item, {})) for item in auxiliary)
    return _header(data, items.get(primary, {}), items.get(tile, {}), alpha)


def _header(data: bytes, own: Properties, tile: Properties, alpha: bool) -> Header:
    width, height = _EXTENT.unpack_from(data, _required(own, b"ispe")[1])
    coding = data[_required(own if b"av1C" in own else tile, b"av1C")[1] + 2]
    channels = _channels(bool(coding & _MONOCHROME), alpha)
    depth = 16 if coding & _HIGH_DEPTH else 8
    unused = 0 if depth == 8 else 4 if coding & _TWELVE_BITS else 6
    orientation = _orientation(data, own)
    return Header(
        "avif",
        width,
        height,
        channels,
        depth,
        orientation,
        False,
        unused,
        profile=_profile(data, own),
    )


def _required(found: Properties, kind: bytes) -> Box:
    if kind not in found:
        raise DamagedImage(f"The AVIF has no {kind.decode()} box")
    return found[kind]


def _first(data: bytes, wanted: bytes) -> Properties:
    """The outermost box of that kind; those after it may be incomplete."""
    return next(({wanted: box} for box in boxes(data, 0, len(data)) if box[0] == wanted), {})


def _index(data: bytes, box: Box, skip: int = 0) -> Properties:
    return {inner[0]: inner for inner in boxes(data, box[1] + skip, box[2])}


def _first_tile(primary: int, links: list[Link]) -> int:
    """The item whose coding tells that of the image: a grid has none itself, but its tiles do."""
    tiles = (to[0] for kind, origin, to in links if kind == b"dimg" and origin == primary and to)
    return next(tiles, primary)


def _properties(data: bytes, iprp: Box, wanted: set[int]) -> dict[int, Properties]:
    """The properties of the wanted items."""
    lists = list(boxes(data, *iprp[1:]))
    if not lists or lists[0][0] != b"ipco":
        raise DamagedImage("The AVIF lists no properties")
    shared = list(boxes(data, *lists[0][1:]))
    found: dict[int, Properties] = {}
    for _, start, end in lists[1 : 1 + _MAX_LISTS]:
        for item, positions in associations(data, start, end, wanted):
            own = [shared[i - 1] for i in positions if 0 < i <= len(shared)]
            # of two descriptions of colour the profile counts: it is taken last
            own.sort(key=lambda box: data.startswith((b"prof", b"rICC"), box[1]))
            found[item] = {box[0]: box for box in own}
    return found


def _is_alpha(data: bytes, properties: Properties) -> bool:
    """Whether an auxiliary image is one of alpha, not of depth or anything else."""
    return b"auxC" in properties and data.startswith(_ALPHA, properties[b"auxC"][1] + 4)


def _channels(monochrome: bool, alpha: bool) -> int:
    if monochrome and alpha:
        raise UnsupportedFormat("AVIF of gray with alpha is not supported")
    return 1 if monochrome else 4 if alpha else 3


def _orientation(data: bytes, own: Properties) -> int:
    turns = data[own[b"irot"][1]] & 3 if b"irot" in own else 0
    axis = data[own[b"imir"][1]] & 1 if b"imir" in own else None
    return _ORIENTATIONS[turns, axis]


def _profile(data: bytes, own: Properties) -> bool:
    """Whether the colours are described by an ICC profile, not only by numbers."""
    return b"colr" in own and data.startswith((b"prof", b"rICC"), own[b"colr"][1])
