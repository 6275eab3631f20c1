"""Town houses: narrow fronts with gables, in a row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import cv2
import numpy as np

from testimages.scenes.masonry import (
    CREAM_BRICK,
    DARK_BRICK,
    GREY_PLASTER,
    RED_BRICK,
    Masonry,
    masonry,
)
from testimages.scenes.noise import fractal
from testimages.scenes.pixels import Colour, Floats, Image, fill, floats, light
from testimages.scenes.windows import Front, draw_window

Gable = tuple[tuple[float, float], ...]

_STAIR = ((0.12, 0.24), (0.12, 0.16), (0.24, 0.16), (0.24, 0.08), (0.37, 0.08))
_STEPPED: Gable = ((0, 0.24), *_STAIR, (0.37, 0))
_BELL: Gable = ((0, 0.22), (0.1, 0.20), (0.2, 0.15), (0.26, 0.08), (0.34, 0.03), (0.42, 0.0))
_NECK: Gable = ((0, 0.22), (0.06, 0.21), (0.24, 0.20), (0.26, 0.05), (0.34, 0.03), (0.44, 0.0))
_CORNICE: Gable = ((0.0, 0.0),)

# Six walls and seven gables: a combination returns only after 42 houses.
_WALLS = (RED_BRICK, DARK_BRICK, CREAM_BRICK, RED_BRICK, GREY_PLASTER, DARK_BRICK)
_GABLES = (_NECK, _CORNICE, _STEPPED, _BELL, _CORNICE, _NECK, _BELL)
_STONE: Colour = (176, 190, 196)


@dataclass(frozen=True)
class House:
    """A town house seen from the street.

    width, height  metres
    gable          the left half of its upper outline: (share of width, of height from the top)
    lit            the share of windows with a lamp behind them
    """

    width: float
    height: float
    wall: Masonry
    gable: Gable
    lit: float


def row_of_houses(rng: np.random.Generator, width: float, lit: float = 0.0) -> list[House]:
    """Houses side by side over at least `width` metres."""
    houses: list[House] = []
    styles = zip(cycle(_WALLS), cycle(_GABLES))
    while sum(house.width for house in houses) < width:
        wall, gable = next(styles)
        houses.append(House(rng.uniform(5.0, 6.8), rng.uniform(11.5, 15.0), wall, gable, lit))
    return houses


def facade(house: House, scale: float, rng: np.random.Generator) -> tuple[Image, Image]:
    """The front (H, W, 3) uint8 and its outline (H, W) uint8, at `scale` pixels per metre."""
    scale = min(scale, 2000 / house.height)
    shape = (max(8, round(house.height * scale)), max(8, round(house.width * scale)))
    image = masonry(shape, scale, house.wall, rng)
    weather = np.linspace(1.05, 0.86, shape[0], dtype=np.float32)[:, None]
    light(image, weather * (1 + 0.04 * fractal(shape, rng, scale * 3)))
    _draw_storeys(Front(image, scale, rng, lit=house.lit), house)
    top = _upper_edge(house, shape)
    _draw_coping(image, top, scale)
    return image, _inside(shape, top)


def _draw_storeys(front: Front, house: House) -> None:
    top = house.height * max(0.05, house.gable[0][1]) + 0.5
    floors = max(2, round((house.height - top) / 3.0))
    storey = (house.height - top) / floors
    bays = 3 if house.width > 5.4 else 2
    for floor, bay in np.ndindex(floors, bays):
        x = house.width * (bay + 0.5) / bays
        door = floor == floors - 1 and bay == 0
        tall = storey - 0.35 if door else storey * (0.56 + 0.09 * floor / floors)
        draw_window(front, (x - 0.55, top + floor * storey + 0.35, 1.1, tall))
    if house.gable is not _CORNICE:
        draw_window(front, (house.width / 2 - 0.4, top - 2.0, 0.8, 1.3))


def _upper_edge(house: House, shape: tuple[int, int]) -> Floats:
    """The gable and its mirror image as (N, 2) pixels, left to right."""
    h, w = shape
    left = floats(house.gable) * (w, h)
    right = (floats([w, 0]) + left * floats([-1, 1]))[::-1]
    return floats(np.concatenate([left, right]))


def _draw_coping(image: Image, top: Floats, scale: float) -> None:
    stone = max(1, round(0.16 * scale))
    path = np.round(top + floats([0, stone * 0.4])).astype(np.int32)
    cv2.polylines(image, [path], False, _STONE, stone, cv2.LINE_AA)


def _inside(shape: tuple[int, int], top: Floats) -> Image:
    h, w = shape
    alpha = np.zeros(shape, np.uint8)
    fill(alpha, [*top.tolist(), [w, h], [0, h]], [255])
    return alpha
