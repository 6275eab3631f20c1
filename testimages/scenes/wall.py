"""The wall: an overcast day, one bicycle close up on wet slabs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from testimages.scenes.bicycle import Stand, bicycle
from testimages.scenes.canvas import Stage, paste, soften, upright
from testimages.scenes.daylight import cast_shadow, shade, shade_under
from testimages.scenes.foliage import Leafage, paint_leaves
from testimages.scenes.ground import pave
from testimages.scenes.masonry import RED_BRICK, SLABS, masonry
from testimages.scenes.noise import blur, fractal
from testimages.scenes.pixels import Floats, blend, floats, light
from testimages.scenes.scene import Scene
from testimages.scenes.street_furniture import IRON, drainpipe
from testimages.scenes.strokes import Stroke, bar, draw, silhouette
from testimages.scenes.windows import Front, draw_window, fill_box

_WALL, _ON_WALL = 3.3, 3.2  # metres ahead
_IVY = Leafage(0.05, (24, 42, 30), (88, 142, 108), 1.2)


def _paint(stage: Stage) -> None:
    _brick_front(stage)
    pave(stage, SLABS, _WALL, 2.4, wet=0.75)
    _corner_shade(stage)
    _drainpipe(stage)
    _bike_at_the_wall(stage)
    _ivy(stage)


def _brick_front(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    scale, reach, tall = camera.scale(_WALL), camera.reach(_WALL), camera.ceiling(_WALL)
    shape = (round(tall * scale) + 1, camera.width)
    image = masonry(shape, scale, RED_BRICK, rng)
    front = Front(image, scale, rng, frame=(150, 168, 150))
    draw_window(front, (reach + 0.25, tall - 2.62, 1.25, 1.5))
    fill_box(front, (0, tall - 0.28, 2 * reach + 1, 0.28), (98, 104, 106))  # the plinth
    rough = fractal(shape, rng, scale * 0.05)
    streaks = fractal(shape, rng, scale * 0.5)
    light(image, 1 + 0.045 * rough + 0.05 * streaks)
    paste(stage, image, upright((-reach, _WALL), (reach, _WALL), 0, tall))


def _corner_shade(stage: Stage) -> None:
    """Less of the sky reaches the corner of wall and pavement."""
    rows = np.arange(stage.camera.height, dtype=np.float32)
    away = np.abs(rows - stage.camera.row(0, _WALL)) / stage.camera.height
    corner = np.repeat(np.exp(-away / 0.035)[:, None], stage.camera.width, axis=1)
    shade(stage, corner, 0, (0.5, 0.48, 0.46))


def _drainpipe(stage: Stage) -> None:
    x = -0.86 * stage.camera.reach(_WALL)
    beside = bar((x + 0.09, 0, _WALL), (x + 0.09, 6, _WALL), 0.08, IRON)
    shade_under(stage, [beside], 8, (0.6, 0.58, 0.56))
    draw(stage, drainpipe(x, _ON_WALL))


def _bike_at_the_wall(stage: Stage) -> None:
    strokes = bicycle(Stand(-0.56, 2.86, 0.0, 0.1, 0.22), (112, 92, 36), stage.rng)
    on_wall = [stroke.along(_flat_on_wall(stroke.points)) for stroke in strokes]
    shade_under(stage, on_wall, 9, (0.6, 0.58, 0.57))
    _wet_reflection(stage, strokes)
    cast_shadow(stage, strokes, (0.05, 0.05), 9, (0.5, 0.49, 0.49))
    draw(stage, strokes, 0.86)


def _flat_on_wall(points: Floats) -> Floats:
    """Points (N, 3) moved onto the wall, a little aside and down, as their shade is."""
    return floats(points * floats([1, 1, 0]) + floats([0.07, -0.05, _WALL]))


def _wet_reflection(stage: Stage, strokes: list[Stroke]) -> None:
    below = [stroke.along(stroke.points * floats([1, -1, 1])) for stroke in strokes]
    mirrored = replace(stage, pixels=stage.pixels.copy())
    draw(mirrored, below, 0.8)
    soften(mirrored, 3)
    cover = blur(silhouette(stage.camera, below), 0.003 * stage.camera.height)
    blend(stage.pixels, mirrored.pixels, 0.42 * cover)


def _ivy(stage: Stage) -> None:
    """Ivy that hangs in at the upper left, thinner to the right."""
    tips = _ivy_tips(stage)
    vines = [
        Stroke(floats([tip, tip + floats([0.03, 0.12, 0])]), 0.008, (40, 54, 60)) for tip in tips
    ]
    draw(stage, vines)
    behind = [
        replace(vine, width=0.2, points=floats(vine.points + floats([0.03, -0.12, 0])))
        for vine in vines
    ]
    shade_under(stage, behind, 14, (0.6, 0.6, 0.58))
    paint_leaves(stage, tips, 0.12, _IVY)


def _ivy_tips(stage: Stage) -> list[Floats]:
    left, top = -stage.camera.reach(_ON_WALL), stage.camera.ceiling(_ON_WALL)
    along = stage.rng.uniform(0, 1, 160) ** 1.5
    drop = stage.rng.uniform(0, 1, 160) * (1.0 - 0.85 * along)
    x, y = left + along * 2.0, top - drop
    return list(floats(np.stack([x, y, np.full(160, _ON_WALL)], axis=1)))


SCENE = Scene(
    _paint, eye=1.1, horizon=0.45, focal=1.2, print_gain=(1.18, 1.14, 1.12), noise=3.9, seed=5
)
