"""The canal at noon: gabled houses across the water, bicycles at the railing."""

from __future__ import annotations

import cv2
import numpy as np

from testimages.scenes.bicycle import Stand, bicycle
from testimages.scenes.canvas import Stage, paste, soften, upright
from testimages.scenes.daylight import cast_shadow, dapple, paint_sky
from testimages.scenes.foliage import BARK, Leafage, grow_boughs, grow_tree
from testimages.scenes.ground import pave, spread_tile
from testimages.scenes.houses import facade, row_of_houses
from testimages.scenes.masonry import DARK_BRICK, KLINKERS, masonry
from testimages.scenes.noise import fractal
from testimages.scenes.pixels import Colour, floats, light, mix, to_bytes
from testimages.scenes.scene import Scene
from testimages.scenes.street_furniture import railing
from testimages.scenes.strokes import Stroke, bar, draw, outline, silhouette

_WATER = -1.3  # metres, below the street
_FAR, _FAR_WALL, _BOATS, _QUAY, _ELM = 36.0, 33, 32, 5.0, 4.0  # metres ahead

_FAR_LEAVES = Leafage(0.075, (20, 40, 32), (78, 150, 126))
_NEAR_LEAVES = Leafage(0.055, (20, 44, 34), (78, 176, 150), 1.3)

# Outlines as (share of the length, metres over the water).
_HULL = ((0, 1.2), (0.06, 0.85), (0.94, 0.85), (1, 1.3), (0.96, 0), (0.05, 0))
_CABIN = ((0.2, 0.85), (0.21, 1.75), (0.7, 1.75), (0.72, 0.85))


def _paint(stage: Stage) -> None:
    paint_sky(stage, (206, 150, 92), (236, 222, 200), (250, 250, 248), 0.42)
    _houses(stage)
    _far_quay(stage)
    _barge(stage, -8.5, 10.5, (58, 44, 30))
    _barge(stage, 7.0, 9.0, (44, 52, 96))
    _water(stage)
    soften(stage, 0.7)
    pave(stage, KLINKERS, _QUAY, 2.6)
    _quay_edge(stage)
    _bikes_at_the_railing(stage)
    dapple(stage, stage.camera.row(0, _QUAY), (0.62, 0.58, 0.55), -0.5)
    _overhanging_elm(stage)


def _houses(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    left = -camera.reach(_FAR) - 2
    for house in row_of_houses(rng, -2 * left + 2):
        texture, alpha = facade(house, camera.scale(_FAR) * 1.1, rng)
        light(texture, [[[1.06, 1.1, 1.14]]])
        right = left + house.width
        paste(stage, texture, upright((left, _FAR), (right, _FAR), 0, house.height), alpha)
        left = right


def _far_quay(stage: Stage) -> None:
    """The wall along the water, and the trees on it."""
    rng, z = stage.rng, _FAR_WALL
    reach = stage.camera.reach(_FAR) + 1
    wall = masonry((220, 2048), 60, DARK_BRICK, rng)
    paste(stage, wall, upright((-reach, z), (reach, z), _WATER, 0.1))
    for x in np.arange(-reach + 2, reach, 8.5):
        grow_tree(stage, x + rng.uniform(-1, 1), z + 0.5, rng.uniform(7, 9), _FAR_LEAVES)


def _barge(stage: Stage, x: float, length: float, paint: Colour) -> None:
    """A moored barge whose stern is at `x`."""
    y, z = _WATER, _BOATS
    cabin, hull = ([(x + u * length, y + v, z) for u, v in shape] for shape in (_CABIN, _HULL))
    rim = bar((x + 0.1, y + 0.9, z), (x + 0.97 * length, y + 0.9, z), 0.1, (206, 214, 216))
    draw(stage, [outline(cabin, (176, 196, 204)), outline(hull, paint), rim])
    for u in (0.27, 0.37, 0.47, 0.57):
        left, right = x + u * length, x + (u + 0.06) * length
        window = upright((left, z), (right, z), y + 1.15, y + 1.55)
        draw(stage, [outline(window, (58, 54, 48))])


def _water(stage: Stage) -> None:
    """What is painted so far, mirrored in waves; the nearer, the more of the water is seen."""
    camera = stage.camera
    top = camera.row(_WATER, _FAR_WALL)
    ripples = fractal((1024, 1024), stage.rng, 60, stretch=2.6)
    waves = spread_tile(camera, ripples, 9.0, top, _WATER)
    shift = waves * camera.focal * 0.012
    down = np.arange(camera.height - top, dtype=np.float32)[:, None]
    v = floats(np.clip(top - 1.45 * down + shift, 0, top - 1))
    u = floats(np.arange(camera.width, dtype=np.float32) + shift * 0.2)
    mirrored = cv2.remap(stage.pixels, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    near = np.linspace(0, 1, len(waves), dtype=np.float32)[:, None]
    deep = mix(mirrored, (70, 82, 62), (0.28 + 0.4 * near)[..., None])
    stage.pixels[top:] = to_bytes(deep * (0.92 + 0.07 * waves[..., None]))


def _quay_edge(stage: Stage) -> None:
    reach, kerb, joint = stage.camera.reach(_QUAY) + 1, _QUAY - 0.12, _QUAY - 0.25
    draw(stage, [bar((-reach, 0, kerb), (reach, 0, kerb), 0.084, (150, 158, 162))])
    draw(stage, [bar((-reach, 0, joint), (reach, 0, joint), 0.0063, (70, 76, 80))])


def _bikes_at_the_railing(stage: Stage) -> None:
    things = [
        railing(stage.camera.reach(_QUAY) + 1, _QUAY - 0.2),
        bicycle(Stand(-1.75, 4.35, 0.05, 0.1, 0.3), (52, 96, 38), stage.rng),
        bicycle(Stand(0.05, 4.2, -0.04, 0.12, -0.25), (40, 36, 34), stage.rng),
    ]
    for strokes in things:
        cast_shadow(stage, strokes, (0.45, -0.4), 1.2, (0.50, 0.44, 0.40))
    for strokes in things:
        draw(stage, strokes)


def _overhanging_elm(stage: Stage) -> None:
    x, top = -stage.camera.reach(_ELM), stage.camera.ceiling(_ELM)
    _trunk(stage, x, top)
    sizes = ((0.86, 0.35), (0.97, 0.7), (1.03, 1.1))
    boughs = [(floats([x, top * high, _ELM]), floats([long, 0.12, 0])) for high, long in sizes]
    grow_boughs(stage, boughs, 0.05, _NEAR_LEAVES)


def _trunk(stage: Stage, x: float, top: float) -> None:
    """A stem at the left edge that leaves the frame at the bottom, in furrowed bark."""
    points = floats([(x, -3, _ELM), (x, 0.2, _ELM), (x + 0.06, top + 1, _ELM)])
    stem = [Stroke(points, 0.36, BARK)]
    draw(stage, stem)
    wide = int(0.3 * stage.camera.scale(_ELM))  # all of the picture that it can cover
    inside = silhouette(stage.camera, stem)[:, :wide]
    furrows = fractal(inside.shape, stage.rng, wide * 0.6, stretch=0.22)
    light(stage.pixels[:, :wide], 1 + 0.24 * furrows * inside)


SCENE = Scene(
    _paint, eye=1.6, horizon=0.46, focal=1.05, print_gain=(1.02, 1.02, 1.04), noise=3.3, seed=11
)
