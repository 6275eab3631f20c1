"""Render the sample images: four street scenes with bicycles, made by this script alone.

`python testimages/render.py` writes cyclo1.jpg to cyclo4.jpg next to itself. Benchmarks call
`render_scene` for pictures of any size; what is seen is the same, the fine detail follows the size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

if not __package__:  # run as a script: the repository's root is not on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from testimages.drawing import (
    Camera,
    Colour,
    Floats,
    Image,
    Leafage,
    Masonry,
    Stage,
    Stand,
    Stroke,
    bicycle,
    blend,
    blur,
    branches,
    cast_shadow,
    draw,
    fill,
    floats,
    fractal,
    ground,
    ground_places,
    light,
    masonry,
    mix,
    paint_leaves,
    paint_sky,
    paste,
    shade,
    silhouette,
    smoothstep,
    soften,
    tile_size,
    to_bytes,
)

_SUPERSAMPLED_PIXELS = 4_000_000  # a larger picture has pixels enough of its own
_BARK: Colour = (52, 62, 74)
_IRON: Colour = (52, 56, 50)

_RED_BRICK = Masonry(
    0.066,
    0.22,
    0.011,
    ((66, 78, 128), (60, 72, 118), (74, 88, 138), (64, 70, 106)),
    (104, 118, 130),
)
_DARK_BRICK = Masonry(
    0.066, 0.22, 0.010, ((52, 58, 84), (46, 52, 72), (60, 66, 96)), (96, 104, 112), 8
)
_CREAM_BRICK = Masonry(
    0.066, 0.22, 0.008, ((150, 178, 196), (140, 168, 190), (156, 182, 204)), (146, 166, 178), 5, 0.5
)
_GREY_PLASTER = Masonry(
    0.9, 2.0, 0.004, ((158, 166, 168), (154, 162, 166)), (140, 148, 152), 2, 0.5
)
_KLINKERS = Masonry(
    0.10, 0.20, 0.007, ((98, 108, 132), (90, 98, 116), (104, 118, 146)), (72, 80, 86), 9
)
_SETTS = Masonry(
    0.125, 0.17, 0.016, ((78, 82, 88), (68, 72, 80), (90, 92, 96)), (34, 36, 40), 9, 1.4
)
_SLABS = Masonry(0.5, 0.75, 0.010, ((140, 144, 144), (130, 134, 136)), (70, 74, 76), 6, 0.8)


# --- houses -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class House:
    """A facade: metres, its wall, `gable` as half-outline points (share of width, of height)."""

    width: float
    height: float
    wall: Masonry
    gable: tuple[tuple[float, float], ...]
    frame: Colour = (222, 230, 232)
    lit: float = 0.0  # the share of windows with a lamp behind them


_STEPPED = (
    (0, 0.24),
    (0.12, 0.24),
    (0.12, 0.16),
    (0.24, 0.16),
    (0.24, 0.08),
    (0.37, 0.08),
    (0.37, 0),
)
_BELL = ((0, 0.22), (0.1, 0.20), (0.2, 0.15), (0.26, 0.08), (0.34, 0.03), (0.42, 0.0))
_NECK = ((0, 0.22), (0.06, 0.21), (0.24, 0.20), (0.26, 0.05), (0.34, 0.03), (0.44, 0.0))
_CORNICE = ((0.0, 0.0),)


def _row_of_houses(rng: np.random.Generator, width: float, lit: float = 0.0) -> list[House]:
    walls = (_RED_BRICK, _DARK_BRICK, _CREAM_BRICK, _RED_BRICK, _GREY_PLASTER, _DARK_BRICK)
    gables = (_NECK, _CORNICE, _STEPPED, _BELL, _CORNICE, _NECK, _BELL)
    houses: list[House] = []
    while sum(house.width for house in houses) < width:
        n = len(houses)
        size = (rng.uniform(5.0, 6.8), rng.uniform(11.5, 15.0))
        houses.append(House(*size, walls[n % len(walls)], gables[n % len(gables)], lit=lit))
    return houses


def _facade(house: House, scale: float, rng: np.random.Generator) -> tuple[Image, Image]:
    """The front as (H, W, 3) pixels and its outline (H, W), at `scale` pixels per metre."""
    scale = float(min(scale, 2000 / house.height))
    shape = (max(8, round(house.height * scale)), max(8, round(house.width * scale)))
    image = masonry(shape, scale, house.wall, rng)
    weather = np.linspace(1.05, 0.86, shape[0], dtype=np.float32)[:, None]
    light(image, floats(weather * (1 + 0.04 * fractal(shape, rng, scale * 3))))
    _draw_storeys(image, house, scale, rng)
    return image, _outline(image, house, scale)


def _outline(image: Image, house: House, scale: float) -> Image:
    h, w = image.shape[:2]
    left = floats(house.gable) * (w, h)
    right = (floats([w, 0]) + left * floats([-1, 1]))[::-1]
    top = floats(np.concatenate([left, right]))
    alpha = np.zeros((h, w), np.uint8)
    fill(alpha, [*top.tolist(), [w, h], [0, h]], (255,))
    stone = max(1, round(0.16 * scale))
    path = [np.round(top + floats([0, stone * 0.4])).astype(np.int32)]
    cv2.polylines(image, path, False, (176, 190, 196), stone, cv2.LINE_AA)
    return alpha


def _draw_storeys(image: Image, house: House, scale: float, rng: np.random.Generator) -> None:
    top = house.height * max(0.05, house.gable[0][1]) + 0.5
    floors = max(2, round((house.height - top) / 3.0))
    storey = (house.height - top) / floors
    bays = 3 if house.width > 5.4 else 2
    for floor in range(floors):
        tall = storey * (0.56 + 0.09 * floor / floors)
        for bay in range(bays):
            x = house.width * (bay + 0.5) / bays
            at = (x - 0.55, top + floor * storey + 0.35)
            door = floor == floors - 1 and bay == 0
            _draw_window(image, at, (1.1, storey - 0.35 if door else tall), scale, house, rng)
    if house.gable is not _CORNICE:
        _draw_window(image, (house.width / 2 - 0.4, top - 2.0), (0.8, 1.3), scale, house, rng)


def _draw_window(
    image: Image,
    at: tuple[float, float],
    size: tuple[float, float],
    scale: float,
    house: House,
    rng: np.random.Generator,
) -> None:
    """A sash window, `at` and `size` in metres: reveal, frame, panes with a sky in them, sill."""
    (x, y), (w, h) = at, size
    edge = 0.065
    _box(image, (x - 0.05, y - 0.2, w + 0.1, 0.2), scale, (128, 142, 160))
    _box(image, (x - 0.02, y - 0.02, w + 0.04, h + 0.02), scale, (38, 40, 46))
    _box(image, (x + 0.03, y + 0.06, w - 0.06, h - 0.06), scale, house.frame)
    _box(image, (x + 0.03, y + 0.06, w - 0.06, 0.02), scale, (92, 96, 98))
    lit = bool(rng.random() < house.lit)
    panes, rows = (3 if w > 1.2 else 2), (3 if h > 1.4 else 2)
    step = (w - 0.06 - edge) / panes, (h - 0.06 - edge) / rows
    for col, row in np.ndindex(panes, rows):
        corner = (x + 0.03 + edge + col * step[0], y + 0.06 + edge + row * step[1])
        pane = (*corner, step[0] - edge * 0.7, step[1] - edge * 0.7)
        _draw_pane(image, pane, scale, row / rows, lit, rng)
    _box(image, (x - 0.08, y + h, w + 0.16, 0.09), scale, (190, 200, 204))
    _box(image, (x - 0.06, y + h + 0.09, w + 0.12, 0.06), scale, (52, 54, 60))


def _pixels(box: tuple[float, float, float, float], scale: float) -> tuple[slice, slice]:
    x, y, w, h = box
    edges = [max(0, round(v * scale)) for v in (y, y + h, x, x + w)]
    return slice(edges[0], max(edges[1], edges[0] + 1)), slice(
        edges[2], max(edges[3], edges[2] + 1)
    )


def _box(
    image: Image, box: tuple[float, float, float, float], scale: float, colour: Colour
) -> None:
    image[_pixels(box, scale)] = np.round(colour).astype(np.uint8)


def _draw_pane(
    image: Image,
    box: tuple[float, float, float, float],
    scale: float,
    depth: float,
    lit: bool,
    rng: np.random.Generator,
) -> None:
    x, y, w, h = box
    _box(image, (x - 0.008, y - 0.012, w + 0.02, h + 0.024), scale, (112, 118, 116))
    glass = image[_pixels(box, scale)]
    if not glass.size:
        return
    fall = np.linspace(depth, depth + 0.33, glass.shape[0], dtype=np.float32)[:, None, None]
    high, low = ((96, 170, 232), (60, 128, 205)) if lit else ((150, 138, 118), (40, 38, 36))
    colour = mix(high, low, fall) * rng.uniform(0.72, 1.1)
    across = np.linspace(0, 1, glass.shape[1], dtype=np.float32)[None, :, None]
    roofline = smoothstep(-0.04, 0.04, floats(fall - 0.35 - 0.25 * across))
    glass[:] = to_bytes(floats(colour * (1.25 - 0.45 * roofline)))
    glass[: max(1, glass.shape[0] // 14)] //= 2  # the frame's shadow


def _front(left: float, right: float, depth: float, bottom: float, top: float) -> Floats:
    """Corners of an upright rectangle that faces the camera."""
    return floats(
        [[left, top, depth], [right, top, depth], [right, bottom, depth], [left, bottom, depth]]
    )


# --- things in the street ---------------------------------------------------------------------


def _bar(points: list[tuple[float, float, float]], width: float, colour: Colour) -> Stroke:
    return Stroke(floats(points), width, colour, 0.35)


def _railing(reach: float, depth: float) -> list[Stroke]:
    """An iron railing across the view, with posts every two metres."""
    left, right = -reach, reach
    strokes = [_bar([(left, y, depth), (right, y, depth)], 0.03, _IRON) for y in (0.16, 0.86)]
    strokes += [
        _bar([(x, 0.16, depth), (x, 0.86, depth)], 0.014, _IRON)
        for x in np.arange(left, right, 0.125)
    ]
    strokes += [
        _bar([(x, 0, depth), (x, 1.02, depth)], 0.055, _IRON)
        for x in np.arange(left + 0.7, right, 2)
    ]
    return [*strokes, _bar([(left, 1.0, depth), (right, 1.0, depth)], 0.05, _IRON)]


def _lamp(x: float, z: float) -> list[Stroke]:
    """A street lantern four metres high."""
    pole = _bar([(x, 0, z), (x, 3.5, z)], 0.085, (44, 48, 46))
    foot = _bar([(x, 0, z), (x, 0.8, z)], 0.16, (44, 48, 46))
    sides = [(x - 0.12, 3.5, z), (x - 0.2, 4.05, z), (x + 0.2, 4.05, z), (x + 0.12, 3.5, z)]
    glass = Stroke(floats(sides), 0, (170, 222, 250))
    roof = Stroke(floats([(x - 0.25, 4.05, z), (x, 4.35, z), (x + 0.25, 4.05, z)]), 0, (40, 42, 42))
    edges = [
        _bar([low, high], 0.03, (40, 42, 42))
        for low, high in zip(sides[::2], sides[1::2], strict=True)
    ]
    return [foot, pole, glass, roof, *edges]


def _cable(start: tuple[float, float, float], end: tuple[float, float, float]) -> Stroke:
    """A wire that sags between two points."""
    along = np.linspace(0, 1, 40)[:, None]
    points = mix(start, end, along)
    points[:, 1] -= 0.35 * (1 - (2 * along[:, 0] - 1) ** 2)
    return Stroke(points, 0.016, (46, 46, 50))


def _grow_tree(
    stage: Stage, at: tuple[float, float], height: float, kind: Leafage, daylight: float = 1.0
) -> list[Floats]:
    """Trunk, branches and leaves of a tree that stands at (x, z); returns where its leaves are."""
    base = floats([at[0], 0, at[1]])
    reach = floats([0, height * 0.42, 0])
    wood, tips = branches(stage.rng, base, reach, height * 0.035, _BARK, 4)
    draw(stage, wood, daylight)
    paint_leaves(stage, tips, height * 0.11, kind)
    return tips


def _dappled(stage: Stage, top: int, tint: Colour, amount: float) -> None:
    """Shade of leaves overhead on the ground from row `top` down."""
    size = 512
    blobs = floats(fractal((size, size), stage.rng, 70) + amount)
    spots = smoothstep(-0.35, 0.35, blobs)
    mask = np.zeros(stage.pixels.shape[:2], np.float32)
    mask[top:] = ground(stage.camera, spots, 6.0, top, 0)
    shade(stage, mask, 2, tint)


def _pave(
    stage: Stage, kind: Masonry, depth: float, nearest: float, wet: float = 0, reach: float = 1e9
) -> None:
    """Cover the ground up to `depth` ahead and `reach` aside; `wet` mirrors what stands behind."""
    camera, rng = stage.camera, stage.rng
    top, metres = camera.row(0, depth), 3.0
    size = tile_size(camera, metres, nearest)
    seen = ground(camera, masonry((size, size), size / metres, kind, rng), metres, top, 0)
    stains = ground(camera, fractal((256, 256), rng, 90), 11.0, top, 0)
    seen = floats(seen * (1 + 0.07 * stains[..., None]))
    if wet:
        puddle = wet * smoothstep(-0.9, 1.1, floats(stains))
        mirrored = blur(floats(_mirror(stage.pixels, top)), 0.004 * camera.height)
        seen = mix(seen * (1 - 0.35 * puddle[..., None]), mirrored * 0.9, 0.6 * puddle[..., None])
    inside = np.abs(ground_places(camera, top)[0]) < reach
    blend(stage.pixels[top:], seen, floats(inside))


def _mirror(pixels: Image, top: int) -> Image:
    """The rows above `top` upside down, as many as lie below it."""
    rows = np.clip(2 * top - np.arange(top, pixels.shape[0]), 0, max(top - 1, 0))
    return np.asarray(pixels[rows], dtype=np.uint8)


# --- canal: noon, gabled houses across the water ----------------------------------------------

_WATER, _FAR, _QUAY = -1.3, 36.0, 5.0
_ELM = Leafage(0.075, (20, 40, 32), (78, 150, 126))


def _paint_canal(stage: Stage) -> None:
    paint_sky(stage, (206, 150, 92), (236, 222, 200), (250, 250, 248), 0.42)
    _far_bank(stage)
    _boats(stage)
    _water(stage)
    soften(stage, 0.7)
    _pave(stage, _KLINKERS, _QUAY, 2.6)
    _quay_edge(stage)
    _bikes_at_the_railing(stage)
    _overhanging_elm(stage)


def _far_bank(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    left = -camera.reach(_FAR) - 2
    for house in _row_of_houses(rng, -2 * left + 2):
        texture, alpha = _facade(house, camera.scale(_FAR) * 1.1, rng)
        light(texture, floats([[[1.06, 1.1, 1.14]]]))
        paste(stage, texture, alpha, _front(left, left + house.width, _FAR, 0, house.height))
        left += house.width
    wall = masonry((220, 2048), 60, _DARK_BRICK, rng)
    reach = camera.reach(_FAR) + 1
    paste(
        stage, wall, np.full(wall.shape[:2], 255, np.uint8), _front(-reach, reach, 33, _WATER, 0.1)
    )
    for x in np.arange(-reach + 2, reach, 8.5):
        _grow_tree(stage, (x + rng.uniform(-1, 1), 33.5), rng.uniform(7, 9), _ELM)


def _boats(stage: Stage) -> None:
    """Two moored barges with cabins."""
    for x, length, hull in ((-8.5, 10.5, (58, 44, 30)), (7.0, 9.0, (44, 52, 96))):
        y = _WATER
        side = [(0, 1.2), (0.06, 0.85), (0.94, 0.85), (1, 1.3), (0.96, 0), (0.05, 0)]
        cabin = [(0.2, 0.85), (0.21, 1.75), (0.7, 1.75), (0.72, 0.85)]
        for outline, paint in ((cabin, (176, 196, 204)), (side, hull)):
            points = floats([(x + u * length, y + v, 32) for u, v in outline])
            draw(stage, [Stroke(points, 0, paint)])
        draw(
            stage,
            [
                _bar(
                    [(x + 0.1, y + 0.9, 32), (x + 0.97 * length, y + 0.9, 32)], 0.1, (206, 214, 216)
                )
            ],
        )
        for u in (0.27, 0.37, 0.47, 0.57):
            corner = _front(x + u * length, x + (u + 0.06) * length, 32, y + 1.15, y + 1.55)
            draw(stage, [Stroke(corner, 0, (58, 54, 48))])


def _water(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    top = camera.row(_WATER, 33)
    waves = ground(camera, fractal((1024, 1024), rng, 60, stretch=2.6), 9.0, top, _WATER)
    near = np.linspace(0, 1, len(waves), dtype=np.float32)[:, None]
    rows = np.arange(top, camera.height, dtype=np.float32)[:, None]
    shift = waves * camera.focal * 0.012
    v = floats(np.clip(top - 1.45 * (rows - top) + shift, 0, top - 1))
    u = floats(np.arange(camera.width, dtype=np.float32) + shift * 0.2)
    mirrored = cv2.remap(stage.pixels, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    deep = mix(mirrored, (70, 82, 62), (0.28 + 0.4 * near)[..., None])
    stage.pixels[top:] = to_bytes(floats(deep * (0.92 + 0.07 * waves[..., None])))


def _quay_edge(stage: Stage) -> None:
    reach = stage.camera.reach(_QUAY) + 1
    for z, width, colour in (
        (_QUAY - 0.12, 0.2, (150, 158, 162)),
        (_QUAY - 0.25, 0.015, (70, 76, 80)),
    ):
        draw(stage, [_bar([(-reach, 0, z), (reach, 0, z)], width * 0.42, colour)])


def _bikes_at_the_railing(stage: Stage) -> None:
    rng, rail = stage.rng, _railing(stage.camera.reach(_QUAY) + 1, _QUAY - 0.2)
    parked = [
        bicycle(Stand(-1.75, 4.35, 0.05, 0.1, 0.3), (52, 96, 38), rng),
        bicycle(Stand(0.05, 4.2, -0.04, 0.12, -0.25), (40, 36, 34), rng),
    ]
    for strokes in (rail, *parked):
        cast_shadow(stage, strokes, (0.45, -0.4), 1.2, (0.50, 0.44, 0.40))
    for strokes in (rail, *parked):
        draw(stage, strokes)


def _trunk(stage: Stage, x: float, z: float, top: float) -> None:
    """A stem that leaves the frame at the bottom, in furrowed bark."""
    stem = [Stroke(floats([(x, -3, z), (x, 0.2, z), (x + 0.06, top + 1, z)]), 0.36, _BARK)]
    draw(stage, stem)
    wide = int(0.3 * stage.camera.scale(z))  # all of the picture that it can cover
    inside = silhouette(stage.camera, stem)[:, :wide]
    furrows = fractal((len(inside), inside.shape[1]), stage.rng, wide * 0.6, stretch=0.22)
    light(stage.pixels[:, :wide], floats(1 + 0.24 * furrows * inside))


def _overhanging_elm(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    x = -camera.reach(4.0)
    sky = (camera.horizon / camera.scale(4.0)) + camera.eye
    _dappled(stage, camera.row(0, _QUAY), (0.62, 0.58, 0.55), -0.5)
    _trunk(stage, x, 4.0, sky)
    tips: list[Floats] = []
    for height, reach in ((0.86, 0.35), (0.97, 0.7), (1.03, 1.1)):
        base = floats([x, sky * height, 4])
        wood, ends = branches(rng, base, floats([reach, 0.12, 0]), 0.05, _BARK, 3)
        draw(stage, wood)
        tips += ends
    paint_leaves(stage, tips, 0.2, Leafage(0.055, (20, 44, 34), (78, 176, 150), 1.3))


# --- evening: a street that runs towards the low sun ------------------------------------------

_GLOW: Colour = (120, 186, 250)
_KERB, _FRONTS = 3.2, 4.6


def _paint_evening(stage: Stage) -> None:
    paint_sky(stage, (150, 104, 82), (122, 176, 240), (146, 160, 232), 0.62)
    stage.pixels[stage.camera.row(0, 1e4) : stage.camera.row(0, 30)] = _GLOW  # haze far away
    _street_fronts(stage)
    _pave(stage, _SETTS, 400, 2.0, wet=0.55, reach=_FRONTS)
    _dusk_in_the_corners(stage)
    _sunset(stage)
    soften(stage, 0.6)
    _street_furniture(stage)
    _bike_against_the_sun(stage)


def _street_fronts(stage: Stage) -> None:
    for side in (-1, 1):
        z, fronts = 1.4, []
        for house in _row_of_houses(stage.rng, 55, lit=0.4)[side < 0 :]:
            fronts.append((house, z))
            z += house.width
        for house, near in fronts[::-1]:
            _street_front(stage, house, side, near)


def _street_front(stage: Stage, house: House, side: int, near: float) -> None:
    far = near + house.width
    texture, alpha = _facade(house, stage.camera.scale(max(near, 4)), stage.rng)
    haze = 0.9 * (1 - np.exp(-near / 55))
    light(texture, floats([[[0.62, 0.60, 0.66]]]))
    texture = to_bytes(mix(texture, _GLOW, haze))
    x, ends = side * _FRONTS, (far, near) if side > 0 else (near, far)
    corners = [
        (x, house.height, ends[0]),
        (x, house.height, ends[1]),
        (x, 0, ends[1]),
        (x, 0, ends[0]),
    ]
    paste(stage, texture, alpha, floats(corners))


def _dusk_in_the_corners(stage: Stage) -> None:
    """Where the pavement meets the fronts less light arrives; far away the haze hides it."""
    camera = stage.camera
    top = camera.row(0, 400)
    x, z = ground_places(camera, top)
    street = np.abs(x) < _FRONTS
    mask = np.zeros(stage.pixels.shape[:2], np.float32)
    mask[top:] = (
        street * smoothstep(_KERB - 0.6, _FRONTS + 0.3, floats(np.abs(x))) * np.exp(-z / 40)
    )
    shade(stage, mask, 1, (0.42, 0.36, 0.36))
    blend(stage.pixels[top:], _GLOW, floats(street * 0.9 * (1 - np.exp(-z / 55))))


def _sunset(stage: Stage) -> None:
    """The sun's glow over the end of the street, on the sky, the walls and the wet stones."""
    camera = stage.camera
    y = (np.arange(camera.height, dtype=np.float32)[:, None] - camera.horizon * 0.97) / camera.focal
    x = (np.arange(camera.width, dtype=np.float32) - camera.width / 2) / camera.focal
    below = np.where(y > 0, 0.5, 1.0)  # a wet street draws the light out towards the camera
    distance = np.sqrt(x * x + (y * below) ** 2)
    glow = np.exp(-distance / 0.09) + 0.34 * np.exp(-distance / 0.34)
    light_in = floats(glow)[..., None] * floats([130, 196, 255])
    seen = floats(stage.pixels)
    stage.pixels[:] = to_bytes(floats(seen + light_in * (1 - seen / 275)))


def _street_furniture(stage: Stage) -> None:
    for x, z in ((_KERB, 34.0), (-_KERB, 27.0), (_KERB, 20.0), (-_KERB, 13.0)):
        draw(stage, _lamp(x, z), 0.75)
    ends = [((-_FRONTS, 5.6, z), (_FRONTS, 5.9, z + 1)) for z in (11.0, 16.0, 23.0)]
    draw(stage, [_cable(start, end) for start, end in ends], 0.8)
    for z in np.arange(16, 2.5, -1.6):
        post = [_bar([(x, 0, z), (x, 0.85, z)], 0.11, (40, 42, 50)) for x in (-_KERB, _KERB)]
        cast_shadow(stage, post, (0.02, -3.0), 1.5, (0.55, 0.46, 0.45))
        draw(stage, post, 0.8)


def _bike_against_the_sun(stage: Stage) -> None:
    bikes = [
        bicycle(Stand(2.5, 8.6, 1.75, 0.08, 0.2), (60, 52, 50), stage.rng),
        bicycle(Stand(-0.72, 3.95, 0.22, -0.06, 0.35), (44, 40, 128), stage.rng),
    ]
    for strokes in bikes:
        cast_shadow(stage, strokes, (0.10, -1.15), 1.6, (0.42, 0.34, 0.33))
        draw(stage, strokes, 0.66)


# --- wall: overcast, one bicycle close up -----------------------------------------------------

_WALL = 3.3
_IVY = Leafage(0.05, (24, 42, 30), (88, 142, 108), 1.2)


def _paint_wall(stage: Stage) -> None:
    stage.pixels[:] = 128
    _brick_front(stage)
    _pave(stage, _SLABS, _WALL, 2.4, wet=0.75)
    _plinth_shade(stage)
    _drainpipe(stage)
    _bike_at_the_wall(stage)
    _ivy(stage)


def _brick_front(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    scale, reach = camera.scale(_WALL), camera.reach(_WALL)
    tall = camera.eye + camera.horizon / scale
    shape = (round(tall * scale) + 1, camera.width)
    image = masonry(shape, scale, _RED_BRICK, rng)
    house = House(2 * reach, tall, _RED_BRICK, _CORNICE, (150, 168, 150))
    _draw_window(image, (reach + 0.25, tall - 2.62), (1.25, 1.5), scale, house, rng)
    _box(image, (0, tall - 0.28, 2 * reach + 1, 0.28), scale, (98, 104, 106))
    rough = fractal(shape, rng, scale * 0.05)
    streaks = fractal(shape, rng, scale * 0.5)
    light(image, floats(1 + 0.045 * rough + 0.05 * streaks))
    paste(stage, image, np.full(shape, 255, np.uint8), _front(-reach, reach, _WALL, 0, tall))


def _plinth_shade(stage: Stage) -> None:
    """Less of the sky reaches the corner of wall and pavement."""
    rows = np.arange(stage.camera.height, dtype=np.float32)
    away = np.abs(rows - stage.camera.row(0, _WALL)) / stage.camera.height
    corner = np.repeat(np.exp(-away / 0.035)[:, None], stage.camera.width, axis=1)
    shade(stage, floats(corner), 0, (0.5, 0.48, 0.46))


def _drainpipe(stage: Stage) -> None:
    x = -0.86 * stage.camera.reach(_WALL)
    pipe = [_bar([(x, 0.05, 3.2), (x, 6, 3.2)], 0.09, (92, 98, 96))]
    clips = [
        _bar([(x - 0.07, y, 3.2), (x + 0.07, y, 3.2)], 0.035, (84, 90, 88)) for y in (0.6, 2.1)
    ]
    beside = [_bar([(x + 0.09, 0, 3.3), (x + 0.09, 6, 3.3)], 0.08, _IRON)]
    shade(stage, silhouette(stage.camera, beside), 8, (0.6, 0.58, 0.56))
    draw(stage, [*pipe, *clips])


def _bike_at_the_wall(stage: Stage) -> None:
    strokes = bicycle(Stand(-0.56, 2.86, 0.0, 0.1, 0.22), (112, 92, 36), stage.rng)
    on_wall = [
        replace(s, points=floats(s.points * floats([1, 1, 0]) + floats([0.07, -0.05, _WALL])))
        for s in strokes
    ]
    shade(stage, silhouette(stage.camera, on_wall), 9, (0.6, 0.58, 0.57))
    _wet_reflection(stage, strokes)
    cast_shadow(stage, strokes, (0.05, 0.05), 9, (0.5, 0.49, 0.49))
    draw(stage, strokes, 0.86)


def _wet_reflection(stage: Stage, strokes: list[Stroke]) -> None:
    below = [replace(stroke, points=floats(stroke.points * (1, -1, 1))) for stroke in strokes]
    mirrored = Stage(stage.pixels.copy(), stage.camera, stage.rng)
    draw(mirrored, below, 0.8)
    soften(mirrored, 3)
    cover = blur(silhouette(stage.camera, below), 0.003 * stage.camera.height)
    blend(stage.pixels, mirrored.pixels, floats(0.42 * cover))


def _ivy(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    top = camera.eye + camera.horizon / camera.scale(3.2)
    left = -camera.reach(3.2)
    along = rng.uniform(0, 1, 160) ** 1.5
    drop = rng.uniform(0, 1, 160) * (1.0 - 0.85 * along)
    tips = [floats([left + a * 2.0, top - d, 3.2]) for a, d in zip(along, drop, strict=True)]
    vines = [
        Stroke(floats([tip, tip + floats([0.03, 0.12, 0])]), 0.008, (40, 54, 60)) for tip in tips
    ]
    draw(stage, vines)
    behind = [
        replace(vine, width=0.2, points=floats(vine.points + floats([0.03, -0.12, 0])))
        for vine in vines
    ]
    shade(stage, silhouette(camera, behind), 14, (0.6, 0.6, 0.58))
    paint_leaves(stage, tips, 0.12, _IVY)


# --- park: a row of bicycles under trees ------------------------------------------------------

_LIME = Leafage(0.07, (20, 46, 32), (88, 190, 158))


def _paint_park(stage: Stage) -> None:
    paint_sky(stage, (222, 186, 140), (244, 238, 224), (252, 252, 250), 0.5)
    _lawn(stage)
    _gravel(stage)
    _dappled(stage, stage.camera.row(0, 300), (0.54, 0.50, 0.48), -0.25)
    _park_trees(stage)
    soften(stage, 1.6, sharp=6)
    _bikes_in_a_row(stage)
    _near_boughs(stage)


def _lawn(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    top = camera.row(0, 300)
    size = tile_size(camera, 2.5, 2.5)
    blades = fractal((size, size), rng, size * 0.012, stretch=0.7)
    tall = blur(fractal((size, size), rng, 6, stretch=0.5), 0.5)
    tone = ground(camera, floats(blades * 0.9 + tall * 1.1), 2.5, top, 0)
    patches = ground(camera, fractal((256, 256), rng, 100), 14, top, 0)
    lush = mix((34, 92, 66), (72, 168, 138), (0.5 + 0.17 * tone + 0.14 * patches)[..., None])
    stage.pixels[top:] = to_bytes(lush)


def _park_trees(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    reach = camera.reach(70)
    hedge = [floats([x, rng.uniform(0.5, 5), 70]) for x in np.arange(-reach, reach, 0.7)]
    paint_leaves(stage, hedge, 2.2, _LIME)
    for z in (60.0, 38.0, 24.0, 15.0):
        for x in np.arange(-camera.reach(z), camera.reach(z) + 3, z * 0.2 + 3.5):
            at = (x + rng.uniform(-1.5, 1.5), z + rng.uniform(-2, 2))
            if abs(at[0] - 1) > 1.5:
                _grounded(stage, at)
                _grow_tree(stage, at, rng.uniform(9, 13), _LIME)


def _grounded(stage: Stage, at: tuple[float, float]) -> None:
    """The darker, taller grass around a trunk."""
    tuft = [_bar([(at[0] - 0.35, 0, at[1]), (at[0] + 0.35, 0, at[1])], 0.25, _BARK)]
    shade(stage, silhouette(stage.camera, tuft), 6, (0.4, 0.45, 0.4))


def _gravel(stage: Stage) -> None:
    """A path that winds over the lawn, from the foreground to the trees."""
    camera, rng = stage.camera, stage.rng
    top = camera.row(0, 40)
    size = tile_size(camera, 1.5, 2.5)
    stones = blur(fractal((size, size), rng, 3), 0.7) + 0.3 * fractal(
        (size, size), rng, size * 0.01
    )
    bumps = floats(1 + 0.16 * stones)[..., None]
    seen = ground(camera, floats(bumps * floats([148, 170, 182])), 1.5, top, 0)
    stage_rows = stage.pixels[top:]
    blend(stage_rows, seen, _path_mask(stage, top))


def _path_mask(stage: Stage, top: int) -> Floats:
    camera = stage.camera
    x, z = ground_places(camera, top)
    middle = -0.2 + 2.0 * np.sin(z / 9)
    ragged = 0.12 * ground(camera, fractal((512, 512), stage.rng, 60), 3.0, top, 0)
    return smoothstep(-0.06, 0.06, floats(1.75 - np.abs(x - middle) + ragged))


def _bikes_in_a_row(stage: Stage) -> None:
    paints: tuple[Colour, ...] = (
        (120, 70, 30),
        (48, 46, 44),
        (60, 120, 60),
        (40, 50, 160),
        (150, 140, 60),
        (60, 58, 56),
    )
    places = [Stand(0.75 - 0.36 * n, 7.8 - 0.86 * n, 0.36, 0.05, 0.3 - 0.08 * n) for n in range(6)]
    bikes = [bicycle(stand, paint, stage.rng) for stand, paint in zip(places, paints, strict=True)]
    for strokes in bikes:
        cast_shadow(stage, strokes, (0.5, -0.42), 1.5, (0.46, 0.42, 0.40))
    for strokes in bikes:
        draw(stage, strokes)


def _near_boughs(stage: Stage) -> None:
    camera, rng = stage.camera, stage.rng
    top = camera.eye + camera.horizon / camera.scale(3.5)
    right = camera.reach(3.5)
    tips: list[Floats] = []
    for drop in (0.0, 0.15, 0.4):
        base = floats([right + 0.1, top - drop, 3.5])
        wood, ends = branches(rng, base, floats([-1.0 + drop, -0.05, 0]), 0.06, _BARK, 3)
        draw(stage, wood)
        tips += ends
    paint_leaves(stage, tips, 0.2, Leafage(0.055, (22, 50, 34), (84, 196, 160), 1.2))


# --- the pictures -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """How a scene is seen and printed; lengths are shares of the picture's smaller side."""

    paint: Callable[[Stage], None]
    eye: float
    horizon: float
    focal: float
    print_gain: Colour
    noise: float
    seed: int


_SCENES = {
    "canal": Scene(_paint_canal, 1.6, 0.46, 1.05, (1.02, 1.02, 1.04), 3.3, 11),
    "evening": Scene(_paint_evening, 1.25, 0.50, 0.95, (0.96, 1.0, 1.04), 4.4, 23),
    "wall": Scene(_paint_wall, 1.1, 0.45, 1.2, (1.18, 1.14, 1.12), 3.9, 5),
    "park": Scene(_paint_park, 1.55, 0.42, 1.1, (0.97, 1.01, 1.03), 3.0, 42),
}
SCENES = tuple(_SCENES)


def render_scene(name: str, width: int, height: int) -> Image:
    """The scene `name` as (height, width, 3) uint8 BGR, the same pixels at every call.

    `width` and `height` are 256 to 4608 pixels; `name` is one of SCENES.
    """
    scene = _SCENES[name]
    zoom = 2 if width * height <= _SUPERSAMPLED_PIXELS else 1
    stage = _stage(scene, width * zoom, height * zoom)
    scene.paint(stage)
    lens = cv2.resize(stage.pixels, (width, height), interpolation=cv2.INTER_AREA)
    return _develop(floats(lens), scene, stage.rng)


def _stage(scene: Scene, width: int, height: int) -> Stage:
    focal = scene.focal * min(width, height)
    camera = Camera(width, height, scene.horizon * height, focal, scene.eye)
    pixels = np.zeros((height, width, 3), np.uint8)
    return Stage(pixels, camera, np.random.default_rng(scene.seed))


def _develop(seen: Floats, scene: Scene, rng: np.random.Generator) -> Image:
    """What lens and sensor add to (H, W, 3) 0..255: vignette, tone, correlated noise."""
    h, w = seen.shape[:2]
    seen *= _vignette(h, w)[..., None] * floats(scene.print_gain)
    np.clip(seen, 0, 255, out=seen)
    seen += (seen / 255 - 0.5) * (1 - np.abs(seen / 127.5 - 1)) * 34  # a gentle S-curve
    grain = blur(rng.standard_normal((h, w), np.float32), 0.55)
    seen += grain[..., None] * (scene.noise / float(grain.std()))
    colour = rng.standard_normal((-(-h // 2), -(-w // 2), 3), np.float32)
    seen += cv2.resize(colour, (w, h), interpolation=cv2.INTER_LINEAR) * (0.45 * scene.noise)
    return to_bytes(seen)


def _vignette(height: int, width: int) -> Floats:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    return floats(1.02 - 0.11 * (x * x + y * y))


# file, scene, width, height, JPEG quality
_SAMPLES = (
    ("cyclo1.jpg", "canal", 1024, 754, 90),
    ("cyclo2.jpg", "evening", 1024, 1024, 88),
    ("cyclo3.jpg", "wall", 1024, 1024, 88),
    ("cyclo4.jpg", "park", 512, 512, 92),
)


def main() -> None:
    """Write the samples next to this script and print their sizes."""
    folder = Path(__file__).resolve().parent
    for file, name, width, height, quality in _SAMPLES:
        target = folder / file
        picture = render_scene(name, width, height)
        if not cv2.imwrite(str(target), picture, [cv2.IMWRITE_JPEG_QUALITY, quality]):
            raise OSError(f"cannot write {target}")
        print(f"{file}  {name}  {width}x{height}  {target.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
