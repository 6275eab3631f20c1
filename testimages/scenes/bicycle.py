"""A town bicycle, built of strokes.

In its own frame U points forward, V up and W to the side away from the camera; the rear wheel
stands at 0. All lengths are metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from testimages.scenes.pixels import Colour, Floats, floats
from testimages.scenes.strokes import Stroke

_Point = tuple[float, float]
_Points = Iterable[Iterable[float]]  # (U, V) or (U, V, W) each

_STEEL: Colour = (205, 200, 196)
_RUBBER: Colour = (40, 38, 37)
_LEATHER: Colour = (45, 60, 85)
_CHAIN: Colour = (70, 74, 80)
_RACK: Colour = (60, 60, 62)

_REAR, _FRONT = (0.0, 0.34), (1.07, 0.34)
_CRANK, _SEAT, _HEAD, _CROWN = (0.45, 0.29), (0.29, 0.82), (0.85, 0.90), (0.89, 0.76)


@dataclass(frozen=True)
class Stand:
    """Where a bicycle stands: rear wheel at (x, z), heading, lean and steering in radians."""

    x: float
    z: float
    heading: float = 0.0
    lean: float = 0.0
    steer: float = 0.0


def bicycle(stand: Stand, paint: Colour, rng: np.random.Generator) -> list[Stroke]:
    """A bicycle as strokes in the world, back to front; chance turns its wheels."""
    rear = [*_mudguard(_REAR, 15, 200, paint), *_wheel(_REAR, rng), *_carrier()]
    front = [*_mudguard(_FRONT, 20, 155, paint), *_wheel(_FRONT, rng), *_fork(paint), *_bars()]
    steered = [_turned(stroke, stand.steer) for stroke in front]
    middle = [*_frame(paint), *_drive(), *_saddle()]
    parts = [_pedal(0.09), *rear, *steered, *middle, _pedal(-0.09)]
    return [_placed(stroke, stand) for stroke in parts]


def _turned(stroke: Stroke, steer: float) -> Stroke:
    u, v, w = stroke.points.T
    pivot = _HEAD[0] + 0.286 * (_HEAD[1] - v)  # the steering axis leans back
    ahead = u - pivot
    forward = pivot + ahead * np.cos(steer) - w * np.sin(steer)
    return stroke.along(np.stack([forward, v, w * np.cos(steer) + ahead * np.sin(steer)], axis=1))


def _placed(stroke: Stroke, stand: Stand) -> Stroke:
    u, v, w = stroke.points.T
    w, v = w * np.cos(stand.lean) + v * np.sin(stand.lean), v * np.cos(stand.lean)
    x = stand.x + u * np.cos(stand.heading) - w * np.sin(stand.heading)
    z = stand.z + u * np.sin(stand.heading) + w * np.cos(stand.heading)
    return stroke.along(np.stack([x, v, z], axis=1))


def _tube(points: _Points, width: float, colour: Colour, gloss: float = 0.0) -> Stroke:
    return Stroke(_in_space(points), width, colour, gloss)


def _in_space(points: _Points) -> Floats:
    """(N, 3) float32; points of two numbers lie in the middle plane."""
    return floats([(*point, 0.0)[:3] for point in points])


def _arc(centre: _Point, radius: float, start: float, stop: float) -> list[_Point]:
    angles = np.radians(np.linspace(start, stop, 72))
    u, v = centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)
    return list(zip(u.tolist(), v.tolist(), strict=True))


def _ring(centre: _Point, radius: float, width: float, colour: Colour, gloss: float = 0) -> Stroke:
    return _tube(_arc(centre, radius, 0, 360), width, colour, gloss)


def _smooth(points: _Points) -> Floats:
    knots = _in_space(points)
    for _ in range(3):  # Chaikin's corner cutting
        early = knots[:-1] * 0.75 + knots[1:] * 0.25
        late = knots[:-1] * 0.25 + knots[1:] * 0.75
        cut = np.stack([early, late], axis=1).reshape(-1, 3)
        knots = floats(np.concatenate([knots[:1], cut, knots[-1:]]))
    return knots


def _shaded(colour: Colour, gain: float = 0.8) -> Colour:
    blue, green, red = colour
    return (blue * gain, green * gain, red * gain)


def _wheel(hub: _Point, rng: np.random.Generator) -> Iterator[Stroke]:
    yield from _spokes(hub, rng)
    yield _ring(hub, 0.322, 0.034, _RUBBER, 0.15)
    yield _ring(hub, 0.311, 0.005, (120, 140, 150))
    yield _ring(hub, 0.296, 0.019, _STEEL, 0.7)
    yield _ring(hub, 0.02, 0.018, _STEEL, 0.5)


def _spokes(hub: _Point, rng: np.random.Generator) -> Iterator[Stroke]:
    start = rng.uniform(0, 10)
    for number in range(32):
        rim = np.radians(start + number * 360 / 32)
        flange = rim + (1.2 if number % 2 else -1.2)  # spokes leave the hub along its edge
        inner = (hub[0] + 0.025 * np.cos(flange), hub[1] + 0.025 * np.sin(flange))
        outer = (hub[0] + 0.29 * np.cos(rim), hub[1] + 0.29 * np.sin(rim))
        glint = rng.uniform(0.72, 1.15)
        yield _tube([inner, outer], 0.0022, _shaded((200, 197, 194), glint))


def _mudguard(hub: _Point, start: float, stop: float, paint: Colour) -> Iterator[Stroke]:
    rest = np.radians(stop - 35)
    stay = (hub[0] + 0.36 * np.cos(rest), hub[1] + 0.36 * np.sin(rest))
    yield _tube([hub, stay], 0.005, _STEEL)
    yield _tube(_arc(hub, 0.362, start, stop), 0.017, _shaded(paint), 0.5)


def _carrier() -> Iterator[Stroke]:
    yield _tube([_REAR, (-0.14, 0.75)], 0.009, _RACK, 0.3)
    yield _tube([_REAR, (0.03, 0.75)], 0.009, _RACK, 0.3)
    yield _tube([(-0.26, 0.76, 0.05), (0.25, 0.76, 0.05)], 0.011, _RACK, 0.3)
    yield _tube([(-0.26, 0.76, -0.05), (0.27, 0.76, -0.05)], 0.013, _RACK, 0.4)
    rear_light = [(-0.268, 0.69), (-0.268, 0.735)]
    yield _tube(rear_light, 0.04, (40, 36, 170), 0.4)
    kickstand = [(0.30, 0.32, -0.04), (0.20, 0.01, -0.16)]
    yield _tube(kickstand, 0.014, (90, 90, 92), 0.4)


def _fork(paint: Colour) -> Iterator[Stroke]:
    blade = [_CROWN, (0.935, 0.62), (0.985, 0.47), (1.03, 0.38), _FRONT]
    yield _tube([(u, v, 0.05) for u, v in blade], 0.02, _shaded(paint), 0.4)
    yield _tube(blade, 0.022, paint, 0.6)


def _bars() -> Iterator[Stroke]:
    yield _tube([(0.80, 1.07, 0.30), (0.66, 1.05, 0.31)], 0.034, _LEATHER, 0.2)
    yield _tube([_HEAD, (0.835, 1.0)], 0.026, _STEEL, 0.8)
    swept = [(0.66, 1.05, 0.31), (0.82, 1.08, 0.27), (0.89, 1.03, 0.08), (0.87, 1.01, 0.0)]
    yield _tube([*swept, *((u, v, -w) for u, v, w in swept[::-1])], 0.023, _STEEL, 0.8)
    yield _tube([(0.77, 1.07, -0.295), (0.645, 1.045, -0.31)], 0.034, _LEATHER, 0.2)
    yield from _brake()
    yield from _headlight()


def _brake() -> Iterator[Stroke]:
    lever = (0.80, 1.06, -0.28)
    yield _tube([lever, (0.72, 1.01, -0.30)], 0.010, _STEEL, 0.5)
    cable = [lever, (0.93, 1.04, -0.2), (1.0, 0.95, -0.1), (0.95, 0.82, 0), _CROWN]
    yield _tube(_smooth(cable), 0.006, _RUBBER)


def _headlight() -> Iterator[Stroke]:
    yield _tube([(0.92, 0.90), (0.985, 0.90)], 0.075, (60, 58, 56), 0.5)
    yield _tube([(0.99, 0.93), (0.99, 0.87)], 0.016, (225, 235, 238), 0.9)


def _frame(paint: Colour) -> Iterator[Stroke]:
    yield _tube([(*_REAR, 0.05), (*_CRANK, 0.03)], 0.018, paint, 0.5)
    yield _tube([_REAR, _SEAT], 0.015, paint, 0.5)
    yield _tube([_REAR, _CRANK], 0.02, paint, 0.5)
    yield _tube([_SEAT, (0.262, 0.93)], 0.026, _STEEL, 0.8)
    yield _tube([_CRANK, _SEAT], 0.031, paint, 0.6)
    yield _tube([_SEAT, (0.86, 0.865)], 0.030, paint, 0.7)
    yield _tube([_CRANK, (0.88, 0.79)], 0.034, paint, 0.7)
    yield _tube([_HEAD, _CROWN], 0.038, paint, 0.7)
    gear_cable = [(0.31, 0.82), (0.58, 0.834), (0.85, 0.855)]
    yield _tube(gear_cable, 0.005, _RUBBER)


def _drive() -> Iterator[Stroke]:
    yield _tube([(-0.002, 0.378), (0.45, 0.378)], 0.007, _CHAIN)
    yield _tube([(-0.002, 0.302), (0.45, 0.20)], 0.007, _CHAIN)
    yield _ring(_REAR, 0.033, 0.012, (110, 112, 116), 0.4)
    yield _ring(_CRANK, 0.086, 0.010, (150, 150, 152), 0.6)
    for turn in range(0, 360, 72):
        yield _tube([_CRANK, _arc(_CRANK, 0.083, turn, turn)[0]], 0.011, (165, 164, 163), 0.5)
    yield _ring(_CRANK, 0.014, 0.02, _STEEL, 0.5)


def _saddle() -> Iterator[Stroke]:
    top = [(0.11, 0.985), (0.16, 1.0), (0.25, 0.983), (0.37, 0.983), (0.405, 0.973), (0.38, 0.962)]
    skirt = [(0.30, 0.957), (0.24, 0.948), (0.19, 0.928), (0.13, 0.945), (0.11, 0.985)]
    yield _ring((0.16, 0.925), 0.017, 0.007, _STEEL, 0.5)
    yield _tube([(0.17, 0.92), (0.26, 0.915), (0.36, 0.95)], 0.009, _STEEL, 0.5)
    yield _tube(_smooth(top + skirt), 0, (48, 66, 98))
    yield _tube(_smooth([(0.14, 0.993), (0.25, 0.978), (0.385, 0.977)]), 0.012, (62, 84, 122), 0.15)


def _pedal(side: float) -> Stroke:
    """A crank arm with its pedal; the near one, at a negative side, points forward."""
    way = -1 if side > 0 else 1
    u, v = _CRANK[0] + way * 0.145, _CRANK[1] - way * 0.085
    arm = [(*_CRANK, side / 2), (u, v, side / 2)]
    block = [(u - 0.05, v, side), (u + 0.05, v, side), (u, v, side)]
    return _tube([*arm, *block], 0.021, (72, 72, 74), 0.4)
