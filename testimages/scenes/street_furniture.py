"""Things that stand in a street or hang over it, as strokes."""

from __future__ import annotations

import numpy as np

from testimages.scenes.pixels import Colour, mix
from testimages.scenes.strokes import Stroke, bar, outline

IRON: Colour = (52, 56, 50)

_LAMP_POST: Colour = (44, 48, 46)
_LAMP_TOP: Colour = (40, 42, 42)
_LAMP_GLASS: Colour = (170, 222, 250)
_BOLLARD: Colour = (40, 42, 50)
_WIRE: Colour = (46, 46, 50)


def railing(reach: float, depth: float) -> list[Stroke]:
    """An iron railing from -reach to reach across the view, with posts every two metres."""
    rails = [_rail(reach, depth, y, 0.03) for y in (0.16, 0.86)]
    pickets = [
        bar((x, 0.16, depth), (x, 0.86, depth), 0.014, IRON)
        for x in np.arange(-reach, reach, 0.125)
    ]
    posts = [
        bar((x, 0, depth), (x, 1.02, depth), 0.055, IRON) for x in np.arange(-reach + 0.7, reach, 2)
    ]
    return [*rails, *pickets, *posts, _rail(reach, depth, 1.0, 0.05)]


def _rail(reach: float, depth: float, level: float, width: float) -> Stroke:
    return bar((-reach, level, depth), (reach, level, depth), width, IRON)


def lamp(x: float, z: float) -> list[Stroke]:
    """A street lantern four metres high."""
    foot = bar((x, 0, z), (x, 0.8, z), 0.16, _LAMP_POST)
    pole = bar((x, 0, z), (x, 3.5, z), 0.085, _LAMP_POST)
    sides = [(x - 0.12, 3.5, z), (x - 0.2, 4.05, z), (x + 0.2, 4.05, z), (x + 0.12, 3.5, z)]
    glass = outline(sides, _LAMP_GLASS)
    roof = outline([(x - 0.25, 4.05, z), (x, 4.35, z), (x + 0.25, 4.05, z)], _LAMP_TOP)
    edges = [bar(sides[n], sides[n + 1], 0.03, _LAMP_TOP) for n in (0, 2)]
    return [foot, pole, glass, roof, *edges]


def bollard(x: float, z: float) -> Stroke:
    """A post that keeps cars off the pavement."""
    return bar((x, 0, z), (x, 0.85, z), 0.11, _BOLLARD)


def drainpipe(x: float, z: float) -> list[Stroke]:
    """A pipe that runs down a wall, with the clips that hold it."""
    pipe = bar((x, 0.05, z), (x, 6, z), 0.09, (92, 98, 96))
    clips = [bar((x - 0.07, y, z), (x + 0.07, y, z), 0.035, (84, 90, 88)) for y in (0.6, 2.1)]
    return [pipe, *clips]


def wire(start: tuple[float, float, float], end: tuple[float, float, float]) -> Stroke:
    """A wire that sags between two points (X, Y, Z)."""
    along = np.linspace(0, 1, 40)[:, None]
    points = mix(start, end, along)
    points[:, 1] -= 0.35 * (1 - (2 * along[:, 0] - 1) ** 2)
    return Stroke(points, 0.016, _WIRE)
