"""GIF: the logical screen, the number of frames, and whether decoding yields an alpha channel.

Source: GIF89a Specification, CompuServe 1990, sections 18 to 26.
"""

import re
import struct

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing.header import Header

_SCREEN = struct.Struct("<6xHHB")  # width, height, flags; two bytes more follow
_SCREEN_END, _DESCRIPTOR_END = 13, 10
_EXTENSION, _IMAGE, _TRAILER, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9

# Nearly all data blocks are full ones: their run is skipped at once, and without backtracking.
_FULL_BLOCKS = re.compile(rb"(?:\xff.{255}|\xfe.{254})*+", re.DOTALL)
_MAX_STEPS = 100_000


def read(data: bytes) -> Header:
    width, height, flags = _SCREEN.unpack_from(data)
    alpha, frames = _scan(data, _SCREEN_END + _table_bytes(flags))
    channels = 4 if alpha else 3
    return Header("gif", width, height, channels, 8, 1, False, frames=max(frames, 1))


def _scan(data: bytes, at: int) -> tuple[bool, int]:
    """Whether the last frame has a transparent colour, which the decoder lets decide for the first,
    and the number of frames. So the whole file is walked, from block to block.
    """
    alpha, frames, steps = False, 0, _MAX_STEPS
    while (kind := data[at]) != _TRAILER:
        if kind == _EXTENSION:
            if data[at + 1] == _CONTROL and data[at + 2] == 4:
                alpha = bool(data[at + 3] & 1)
            at += 2
        elif kind == _IMAGE:
            at += _DESCRIPTOR_END + _table_bytes(data[at + 9]) + 1
            frames += 1
        else:
            raise DamagedImage("The GIF has a block of unknown kind")
        at, steps = _skip_blocks(data, at, steps - 1)
    return alpha, frames


def _skip_blocks(data: bytes, at: int, steps: int) -> tuple[int, int]:
    """The position after a run of data blocks, and the steps that are left."""
    for left in range(steps, 0, -1):
        size = data[at]
        if not size:
            return at + 1, left
        if size < 0xFE:
            at += 1 + size
        else:
            run = _FULL_BLOCKS.match(data, at)
            if run is None or run.end() == at:
                raise DamagedImage("The GIF is truncated")
            at = run.end()
    raise UnsupportedFormat("The GIF has too many small blocks")


def _table_bytes(flags: int) -> int:
    """The size of the colour table that `flags` announce, 0 without one."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
