"""Walls and paving: courses of bricks, plaster, setts and slabs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from testimages.scenes.noise import fractal, relief
from testimages.scenes.pixels import Colour, Floats, Image, fill_convex, fixed, floats, light


@dataclass(frozen=True)
class Masonry:
    """Courses of blocks.

    course, length, joint  the height and length of a block and the gap between two, metres
    colours, mortar        what the blocks are picked from, and what is between them
    spread                 how much the brightness of blocks differs
    depth                  how deep the joints look
    """

    course: float
    length: float
    joint: float
    colours: tuple[Colour, ...]
    mortar: Colour
    spread: float = 10
    depth: float = 1.0


_UNIT_SQUARE = floats([[0, 0], [1, 0], [1, 1], [0, 1]])

_REDS: tuple[Colour, ...] = ((66, 78, 128), (60, 72, 118), (74, 88, 138), (64, 70, 106))
_BROWNS: tuple[Colour, ...] = ((52, 58, 84), (46, 52, 72), (60, 66, 96))
_CREAMS: tuple[Colour, ...] = ((150, 178, 196), (140, 168, 190), (156, 182, 204))
_GREYS: tuple[Colour, ...] = ((158, 166, 168), (154, 162, 166))
_CLAYS: tuple[Colour, ...] = ((98, 108, 132), (90, 98, 116), (104, 118, 146))
_BASALTS: tuple[Colour, ...] = ((78, 82, 88), (68, 72, 80), (90, 92, 96))
_CONCRETES: tuple[Colour, ...] = ((140, 144, 144), (130, 134, 136))

RED_BRICK = Masonry(0.066, 0.22, 0.011, _REDS, (104, 118, 130))
DARK_BRICK = Masonry(0.066, 0.22, 0.010, _BROWNS, (96, 104, 112), spread=8)
CREAM_BRICK = Masonry(0.066, 0.22, 0.008, _CREAMS, (146, 166, 178), spread=5, depth=0.5)
GREY_PLASTER = Masonry(0.9, 2.0, 0.004, _GREYS, (140, 148, 152), spread=2, depth=0.5)
KLINKERS = Masonry(0.10, 0.20, 0.007, _CLAYS, (72, 80, 86), spread=9)
SETTS = Masonry(0.125, 0.17, 0.016, _BASALTS, (34, 36, 40), spread=9, depth=1.4)
SLABS = Masonry(0.5, 0.75, 0.010, _CONCRETES, (70, 74, 76), spread=6, depth=0.8)


def masonry(shape: tuple[int, int], scale: float, kind: Masonry, rng: np.random.Generator) -> Image:
    """Wall or paving (H, W, 3) uint8 at `scale` pixels per metre; opposite edges meet."""
    image, height = _lay_blocks(shape, scale, kind, rng)
    rough = floats(height) / 255 + 0.10 * fractal(shape, rng, max(kind.course * scale / 3, 4))
    bumpy = relief(rough, max(kind.joint * scale / 4, 0.5), kind.depth)
    stains = 0.05 * fractal(shape, rng, scale * 0.6)
    light(image, bumpy + stains)
    return image


def _lay_blocks(
    shape: tuple[int, int], scale: float, kind: Masonry, rng: np.random.Generator
) -> tuple[Image, Image]:
    """The blocks in their colours (H, W, 3), and where they stand out of the mortar (H, W)."""
    image = np.full((*shape, 3), kind.mortar, np.uint8)
    height = np.zeros(shape, np.uint8)
    rows, cols = _grid(shape, scale, kind)
    cell, joint = floats([shape[1] / cols, shape[0] / rows]), kind.joint * scale
    corners = floats(_UNIT_SQUARE * (cell - min(joint, float(cell[1]) * 0.4)))
    wobble = rng.uniform(-0.22, 0.22, (rows, cols, 4, 2)) * joint
    paints = _paints(rows, cols, kind, rng)
    # Column -1 is the last one once more: in shifted rows half of it shows at the left edge.
    for row, col in product(range(rows), range(-1, cols)):
        origin = floats([col + 0.5 * (row % 2), row]) * cell
        block = fixed(corners + origin + wobble[row, col])
        fill_convex(image, block, paints[row, col].tolist())
        fill_convex(height, block, [255])
    return image, height


def _grid(shape: tuple[int, int], scale: float, kind: Masonry) -> tuple[int, int]:
    """Rows and columns; rows are even, as every other one is shifted and edges have to meet."""
    rows = max(2, 2 * round(shape[0] / max(kind.course * scale, 4) / 2))
    return rows, max(1, round(shape[1] / max(kind.length * scale, 9)))


def _paints(rows: int, cols: int, kind: Masonry, rng: np.random.Generator) -> Floats:
    paint = floats(kind.colours)[rng.integers(len(kind.colours), size=(rows, cols))]
    return np.clip(floats(paint + rng.normal(0, kind.spread, (rows, cols, 1))), 0, 255)
