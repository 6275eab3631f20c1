"""The park: a row of bicycles on a gravel path under trees."""

from __future__ import annotations

import numpy as np

from testimages.scenes.bicycle import Stand, bicycle
from testimages.scenes.canvas import Stage, soften
from testimages.scenes.daylight import cast_shadow, dapple, paint_sky, shade_under
from testimages.scenes.foliage import BARK, Leafage, grow_boughs, grow_tree, paint_leaves
from testimages.scenes.ground import spread_tile, tile_size
from testimages.scenes.noise import blur, fractal, smoothstep
from testimages.scenes.pixels import Colour, Floats, blend, floats, mix, to_bytes
from testimages.scenes.scene import Scene
from testimages.scenes.strokes import bar, draw

_LAWN, _HEDGE, _PATH, _BOUGHS = 300, 70, 40, 3.5  # metres ahead, to the far end

_FAR_LEAVES = Leafage(0.07, (20, 46, 32), (88, 190, 158))
_NEAR_LEAVES = Leafage(0.055, (22, 50, 34), (84, 196, 160), 1.2)
_GRAVEL: Colour = (148, 170, 182)
_PAINTS: tuple[Colour, ...] = (
    (120, 70, 30),
    (48, 46, 44),
    (60, 120, 60),
    (40, 50, 160),
    (150, 140, 60),
    (60, 58, 56),
)


def _paint(stage: Stage) -> None:
    paint_sky(stage, (222, 186, 140), (244, 238, 224), (252, 252, 250), 0.5)
    _lawn(stage)
    _gravel_path(stage)
    dapple(stage, stage.camera.row(0, _LAWN), (0.54, 0.50, 0.48), -0.25)
    _hedge(stage)
    _trees(stage)
    soften(stage, 1.6, sharp=6)
    _bikes_in_a_row(stage)
    _near_boughs(stage)


def _lawn(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    top, size = camera.row(0, _LAWN), tile_size(camera, 2.5, 2.5)
    blades = fractal((size, size), rng, size * 0.012, stretch=0.7)
    tall = blur(fractal((size, size), rng, 6, stretch=0.5), 0.5)
    tone = spread_tile(camera, blades * 0.9 + tall * 1.1, 2.5, top)
    patches = spread_tile(camera, fractal((256, 256), rng, 100), 14, top)
    lush = mix((34, 92, 66), (72, 168, 138), (0.5 + 0.17 * tone + 0.14 * patches)[..., None])
    stage.pixels[top:] = to_bytes(lush)


def _gravel_path(stage: Stage) -> None:
    """A path that winds over the lawn, from the foreground to the trees."""
    camera, rng = stage.camera, stage.rng
    top, size = camera.row(0, _PATH), tile_size(camera, 1.5, 2.5)
    fine = blur(fractal((size, size), rng, 3), 0.7)
    stones = fine + 0.3 * fractal((size, size), rng, size * 0.01)
    tile = floats(1 + 0.16 * stones)[..., None] * floats(_GRAVEL)
    seen = spread_tile(camera, tile, 1.5, top)
    blend(stage.pixels[top:], seen, _path_mask(stage, top))


def _path_mask(stage: Stage, top: int) -> Floats:
    """(rows, W), 1 on the path and 0 on the grass, with ragged edges."""
    x, z = stage.camera.ground_places(top)
    middle = -0.2 + 2.0 * np.sin(z / 9)
    noise = spread_tile(stage.camera, fractal((512, 512), stage.rng, 60), 3.0, top)
    return smoothstep(-0.06, 0.06, 1.75 - np.abs(x - middle) + 0.12 * noise)


def _hedge(stage: Stage) -> None:
    reach, rng = stage.camera.reach(_HEDGE), stage.rng
    tips = [floats([x, rng.uniform(0.5, 5), _HEDGE]) for x in np.arange(-reach, reach, 0.7)]
    paint_leaves(stage, tips, 2.2, _FAR_LEAVES)


def _trees(stage: Stage) -> None:
    """Rows of trees, far ones first, that leave a gap where the path runs."""
    rng = stage.rng
    for row in (60.0, 38.0, 24.0, 15.0):
        reach = stage.camera.reach(row)
        for place in np.arange(-reach, reach + 3, row * 0.2 + 3.5):
            x, z = place + rng.uniform(-1.5, 1.5), row + rng.uniform(-2, 2)
            if abs(x - 1) > 1.5:
                _taller_grass(stage, x, z)
                grow_tree(stage, x, z, rng.uniform(9, 13), _FAR_LEAVES)


def _taller_grass(stage: Stage, x: float, z: float) -> None:
    """The darker grass around a trunk, without which the tree would float."""
    tuft = bar((x - 0.35, 0, z), (x + 0.35, 0, z), 0.25, BARK)
    shade_under(stage, [tuft], 6, (0.4, 0.45, 0.4))


def _bikes_in_a_row(stage: Stage) -> None:
    bikes = []
    for n, paint in enumerate(_PAINTS):
        stand = Stand(0.75 - 0.36 * n, 7.8 - 0.86 * n, 0.36, 0.05, 0.3 - 0.08 * n)
        bikes.append(bicycle(stand, paint, stage.rng))
    for strokes in bikes:
        cast_shadow(stage, strokes, (0.5, -0.42), 1.5, (0.46, 0.42, 0.40))
    for strokes in bikes:
        draw(stage, strokes)


def _near_boughs(stage: Stage) -> None:
    right, top = stage.camera.reach(_BOUGHS) + 0.1, stage.camera.ceiling(_BOUGHS)
    boughs = [
        (floats([right, top - drop, _BOUGHS]), floats([-1.0 + drop, -0.05, 0]))
        for drop in (0.0, 0.15, 0.4)
    ]
    grow_boughs(stage, boughs, 0.06, _NEAR_LEAVES)


SCENE = Scene(
    _paint, eye=1.55, horizon=0.42, focal=1.1, print_gain=(0.97, 1.01, 1.03), noise=3.0, seed=42
)
