"""Trees: branches that fork by chance, and the leaves at their ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from testimages.scenes.canvas import Stage
from testimages.scenes.pixels import Colour, Floats, fill_convex, fixed, floats, mix
from testimages.scenes.strokes import Stroke, draw

_Doubles = NDArray[np.float64]

BARK: Colour = (52, 62, 74)


@dataclass(frozen=True)
class Leafage:
    """Leaves of `size` metres, from shaded to sunlit colour, `density` layers of them."""

    size: float
    dark: Colour
    bright: Colour
    density: float = 1.6


def grow_tree(stage: Stage, x: float, z: float, height: float, kind: Leafage) -> None:
    """Paint a tree of `height` metres that stands at (x, z)."""
    reach = floats([0, height * 0.42, 0])
    wood, tips = _branches(stage.rng, floats([x, 0, z]), reach, height * 0.035, 4)
    draw(stage, wood)
    paint_leaves(stage, tips, height * 0.11, kind)


def grow_boughs(
    stage: Stage, boughs: Iterable[tuple[Floats, Floats]], width: float, kind: Leafage
) -> None:
    """Paint boughs that reach into the frame, each from a base (3,) along a reach (3,)."""
    tips: list[Floats] = []
    for base, reach in boughs:
        wood, ends = _branches(stage.rng, base, reach, width, 3)
        draw(stage, wood)
        tips += ends
    paint_leaves(stage, tips, 0.2, kind)


def _branches(
    rng: np.random.Generator, base: Floats, reach: Floats, width: float, order: int
) -> tuple[list[Stroke], list[Floats]]:
    """A branch with `order` generations of offspring, and the points where leaves grow."""
    bend = rng.normal(0, 0.06, 3) * np.linalg.norm(reach)
    path = floats([base, base + reach * 0.5 + bend, base + reach])
    strokes, tips = [Stroke(path, width, BARK)], [path[2]] if order < 3 else []
    for _ in range(3 if order else 0):
        start, turned = _offshoot(rng, path, reach)
        more, ends = _branches(rng, start, turned, width * 0.55, order - 1)
        strokes += more
        tips += ends
    return strokes, tips


def _offshoot(rng: np.random.Generator, path: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """Where a branch along `path` forks, and the shorter, turned reach of the new one."""
    angle = rng.normal(0, 0.62)
    x, y, z = reach * rng.uniform(0.55, 0.85)
    turned = (x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z)
    return floats(path[1] + (path[2] - path[1]) * rng.uniform(0.5, 1)), floats(turned)


def paint_leaves(stage: Stage, tips: Sequence[Floats], radius: float, kind: Leafage) -> None:
    """A clump of leaves of `radius` metres around each tip (3,), sunlit from above."""
    rng, camera = stage.rng, stage.camera
    centres, scale = camera.project(floats(tips)), camera.scale(float(tips[0][2]))
    size = max(kind.size * scale, 0.0016 * camera.height)
    spread = radius * scale
    each = int(np.clip(kind.density * (spread / size) ** 2 * 2, 6, 4000))
    offset = floats(np.clip(rng.normal(0, 0.5, (len(tips), each, 2)), -1.1, 1.1))
    sunlit = _sunlit(rng, centres, offset)
    order = np.argsort(sunlit + rng.normal(0, 0.2, sunlit.size))  # the bright ones mostly on top
    spots = floats(centres[:, None] + offset * spread).reshape(-1, 2)[order]
    tone = np.clip(sunlit[order], 0, 1)[:, None]
    _scatter_leaves(stage, spots, size, mix(kind.dark, kind.bright, tone))


def _sunlit(rng: np.random.Generator, centres: Floats, offset: Floats) -> Floats:
    """How much sun each leaf gets, (tips * each,): less low in its clump and low in the crown."""
    in_clump = 0.42 - 0.38 * offset[..., 1] - 0.14 * offset[..., 0]
    low = centres[:, 1:] - centres[:, 1].mean()
    in_crown = 0.3 * low / max(float(np.abs(low).max()), 1) + rng.normal(0, 0.12, low.shape)
    return floats(in_clump - in_crown + rng.normal(0, 0.14, in_clump.shape)).ravel()


def _scatter_leaves(stage: Stage, spots: Floats, size: float, colours: Floats) -> None:
    """Leaves at spots (N, 2) pixels in colours (N, 3), each turned and tilted by chance."""
    along, across = _leaf_axes(stage.rng, len(spots), size)
    ridge = [spots - along, spots - 0.3 * along + across]
    ridge += [spots + 0.4 * along + 0.8 * across, spots + along]
    halves = [np.stack([*ridge, spots - across], axis=1)]
    if size > 8:  # large enough to show that a leaf is folded along its midrib
        halves.append(np.stack([*ridge, spots - 0.1 * across], axis=1))
    outlines = np.stack([fixed(half) for half in halves], axis=1).reshape(-1, 5, 2)
    paints = np.stack([colours * (1 + 0.16 * n) for n in range(len(halves))], axis=1).reshape(-1, 3)
    for outline, paint in zip(outlines, paints.tolist(), strict=True):
        fill_convex(stage.pixels, outline, paint)


def _leaf_axes(rng: np.random.Generator, count: int, size: float) -> tuple[_Doubles, _Doubles]:
    """Half the length and half the width of leaves, as vectors (count, 2) in pixels."""
    angle = rng.uniform(0, np.pi, count)
    length = size * rng.uniform(0.45, 0.75, count)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return along, across * rng.uniform(0.2, 0.6, (count, 1))
