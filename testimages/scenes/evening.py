"""The evening: a wet street that runs towards the low sun."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from testimages.scenes.bicycle import Stand, bicycle
from testimages.scenes.canvas import Stage, paste, soften, upright
from testimages.scenes.daylight import cast_shadow, paint_sky, shade
from testimages.scenes.ground import pave
from testimages.scenes.houses import House, facade, row_of_houses
from testimages.scenes.masonry import SETTS
from testimages.scenes.noise import smoothstep
from testimages.scenes.pixels import Colour, Floats, blend, floats, light, mix, to_bytes
from testimages.scenes.scene import Scene
from testimages.scenes.street_furniture import bollard, lamp, wire
from testimages.scenes.strokes import draw

_GLOW: Colour = (120, 186, 250)
_SUNLIGHT: Colour = (130, 196, 255)
_KERB, _FRONTS = 3.2, 4.6  # metres aside
_END = 400  # metres ahead


def _paint(stage: Stage) -> None:
    paint_sky(stage, (150, 104, 82), (122, 176, 240), (146, 160, 232), 0.62)
    stage.pixels[stage.camera.row(0, 1e4) : stage.camera.row(0, 30)] = _GLOW  # haze far away
    _row(stage, -1)
    _row(stage, 1)
    pave(stage, SETTS, _END, 2.0, wet=0.55, reach=_FRONTS)
    _dusk(stage)
    _sunset(stage)
    soften(stage, 0.6)
    _lamps_and_wires(stage)
    _bollards(stage)
    _bikes_against_the_sun(stage)


def _row(stage: Stage, side: int) -> None:
    """The houses on one side, -1 or 1, from the end of the street to the camera."""
    houses = row_of_houses(stage.rng, 55, lit=0.4)
    if side < 0:  # or both sides would begin with the same gable
        houses = houses[1:]
    nears = accumulate((house.width for house in houses[:-1]), initial=1.4)
    for house, near in reversed(list(zip(houses, nears, strict=True))):
        _house(stage, house, side, near)


def _house(stage: Stage, house: House, side: int, near: float) -> None:
    texture, alpha = facade(house, stage.camera.scale(max(near, 4)), stage.rng)
    light(texture, [[[0.62, 0.60, 0.66]]])
    texture = to_bytes(mix(texture, _GLOW, _haze(near)))
    ends = (side * _FRONTS, near), (side * _FRONTS, near + house.width)
    left, right = ends if side < 0 else ends[::-1]
    paste(stage, texture, upright(left, right, 0, house.height), alpha)


def _haze(depth: float | Floats) -> Floats:
    """How much of what is at `depth` metres is lost in the glow, 0..0.9, of the same shape."""
    return floats(0.9 * (1 - np.exp(-depth / 55)))


def _dusk(stage: Stage) -> None:
    """Where the pavement meets the fronts less light arrives; far away the haze hides it."""
    top = stage.camera.row(0, _END)
    x, z = stage.camera.ground_places(top)
    aside = np.abs(x)
    street = aside < _FRONTS
    mask = np.zeros(stage.pixels.shape[:2], np.float32)
    mask[top:] = street * smoothstep(_KERB - 0.6, _FRONTS + 0.3, aside) * np.exp(-z / 40)
    shade(stage, mask, 1, (0.42, 0.36, 0.36))
    blend(stage.pixels[top:], _GLOW, street * _haze(z))


def _sunset(stage: Stage) -> None:
    """The sun's glow over the end of the street, on the sky, the walls and the wet stones."""
    camera = stage.camera
    y = (np.arange(camera.height, dtype=np.float32)[:, None] - camera.horizon * 0.97) / camera.focal
    below = np.where(y > 0, 0.5, 1.0)  # a wet street draws the light out towards the camera
    distance = np.sqrt(camera.slopes() ** 2 + (y * below) ** 2)
    glow = floats(np.exp(-distance / 0.09) + 0.34 * np.exp(-distance / 0.34))
    seen = floats(stage.pixels)
    # Light adds up, but film saturates: what is bright already gains little.
    stage.pixels[:] = to_bytes(seen + glow[..., None] * floats(_SUNLIGHT) * (1 - seen / 275))


def _lamps_and_wires(stage: Stage) -> None:
    for x, z in ((_KERB, 34.0), (-_KERB, 27.0), (_KERB, 20.0), (-_KERB, 13.0)):
        draw(stage, lamp(x, z), 0.75)
    for z in (11.0, 16.0, 23.0):
        draw(stage, [wire((-_FRONTS, 5.6, z), (_FRONTS, 5.9, z + 1))], 0.8)


def _bollards(stage: Stage) -> None:
    for z in np.arange(16, 2.5, -1.6):
        pair = [bollard(-_KERB, z), bollard(_KERB, z)]
        cast_shadow(stage, pair, (0.02, -3.0), 1.5, (0.55, 0.46, 0.45))
        draw(stage, pair, 0.8)


def _bikes_against_the_sun(stage: Stage) -> None:
    bikes = [
        bicycle(Stand(2.5, 8.6, 1.75, 0.08, 0.2), (60, 52, 50), stage.rng),
        bicycle(Stand(-0.72, 3.95, 0.22, -0.06, 0.35), (44, 40, 128), stage.rng),
    ]
    for strokes in bikes:
        cast_shadow(stage, strokes, (0.10, -1.15), 1.6, (0.42, 0.34, 0.33))
        draw(stage, strokes, 0.66)


SCENE = Scene(
    _paint, eye=1.25, horizon=0.50, focal=0.95, print_gain=(0.96, 1.0, 1.04), noise=4.4, seed=23
)
