"""The ground: tiles repeated over a plane, and streets paved with them, dry or wet."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import ArrayLike

from testimages.scenes.camera import Camera
from testimages.scenes.canvas import Stage
from testimages.scenes.masonry import Masonry, masonry
from testimages.scenes.noise import blur, fractal, smoothstep
from testimages.scenes.pixels import Floats, Image, blend, floats, mix


def tile_size(camera: Camera, metres: float, nearest: float) -> int:
    """Pixels along a tile of `metres` that is sharp at the depth `nearest`."""
    return int(np.clip(metres * camera.scale(nearest), 128, 2048))


def spread_tile(
    camera: Camera, tile: ArrayLike, metres: float, top: int, level: float = 0.0
) -> Floats:
    """A tile repeated over the plane at height `level`, as seen in the rows from `top` down.

    tile     (S, S[, 3]), opposite edges meet; `metres` is its side
    returns  (rows, W[, 3]) float32
    """
    tile = floats(tile)
    bands = [_band(camera, tile, metres, rows, level) for rows in _bands(camera, top)]
    return floats(np.concatenate(bands))


def _bands(camera: Camera, top: int) -> Iterator[tuple[int, int]]:
    while top < camera.height:
        bottom = min(camera.height, top + 2 + int((top - camera.horizon) * 0.1))
        yield top, bottom
        top = bottom


def _band(
    camera: Camera, tile: Floats, metres: float, rows: tuple[int, int], level: float
) -> Floats:
    below = np.maximum(np.arange(*rows, dtype=np.float32) + 0.5 - camera.horizon, 0.5)
    depth = floats(camera.focal * (camera.eye - level) / below)
    small = _reduced(camera, tile, metres, float(np.median(depth)), level)
    deep, wide = small.shape[:2]
    u = (np.outer(depth, camera.slopes()) / metres % 1) * wide - 0.5
    v = np.repeat((-depth / metres % 1)[:, None] * deep - 0.5, camera.width, axis=1)
    seen = cv2.remap(small, floats(u), floats(v), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return floats(seen)


def _reduced(camera: Camera, tile: Floats, metres: float, depth: float, level: float) -> Floats:
    """The tile no larger than it is seen at `depth`: with more detail than pixels it shimmers."""
    across = metres * camera.focal / depth
    along = across * (camera.eye - level) / depth
    wide, deep = (int(np.clip(n, 2, len(tile))) for n in (across, along))
    return floats(cv2.resize(tile, (wide, deep), interpolation=cv2.INTER_AREA))


def pave(
    stage: Stage,
    kind: Masonry,
    depth: float,
    nearest: float,
    wet: float = 0.0,
    reach: float = np.inf,
) -> None:
    """Cover the ground up to `depth` metres ahead and `reach` aside, sharp from `nearest` on.

    `wet`, 0..1, is how much of what stands behind is mirrored.
    """
    camera, metres = stage.camera, 3.0
    top, size = camera.row(0, depth), tile_size(camera, metres, nearest)
    stones = masonry((size, size), size / metres, kind, stage.rng)
    stains = spread_tile(camera, fractal((256, 256), stage.rng, 90), 11.0, top)
    seen = floats(spread_tile(camera, stones, metres, top) * (1 + 0.07 * stains[..., None]))
    if wet:
        seen = _wetted(stage, seen, floats(wet * smoothstep(-0.9, 1.1, stains)))
    inside = np.abs(camera.ground_places(top)[0]) < reach
    blend(stage.pixels[top:], seen, inside)


def _wetted(stage: Stage, dry: Floats, puddle: Floats) -> Floats:
    """Wet ground is darker, and where water (rows, W) stands it mirrors."""
    puddle = puddle[..., None]
    mirrored = blur(_mirrored(stage.pixels, len(dry)), 0.004 * stage.camera.height)
    return mix(dry * (1 - 0.35 * puddle), mirrored * 0.9, 0.6 * puddle)


def _mirrored(pixels: Image, count: int) -> Image:
    """The rows above the last `count` ones, upside down; the sky's edge where they run out."""
    top = len(pixels) - count
    rows = np.clip(2 * top - np.arange(top, len(pixels)), 0, max(top - 1, 0))
    return np.asarray(pixels[rows], dtype=np.uint8)
