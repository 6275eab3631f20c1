"""Sash windows and doors, painted flat on a front before it is put in perspective."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testimages.scenes.noise import smoothstep
from testimages.scenes.pixels import Colour, Floats, Image, mix, to_bytes

Box = tuple[float, float, float, float]  # left, top, width, height in metres

_EDGE = 0.065  # metres of wood around a pane
_LAMPLIGHT: tuple[Colour, Colour] = ((96, 170, 232), (60, 128, 205))
_SKY_ON_GLASS: tuple[Colour, Colour] = ((150, 138, 118), (40, 38, 36))


@dataclass(frozen=True)
class Front:
    """A facade being painted.

    pixels  (H, W, 3) uint8
    scale   pixels per metre
    frame   the colour of its woodwork
    lit     the share of windows with a lamp behind them
    """

    pixels: Image
    scale: float
    rng: np.random.Generator
    frame: Colour = (222, 230, 232)
    lit: float = 0.0


def fill_box(front: Front, box: Box, colour: Colour) -> None:
    """Paint a rectangle of the front, at least a pixel wide and high."""
    front.pixels[_slices(front, box)] = np.round(colour).astype(np.uint8)


def _slices(front: Front, box: Box) -> tuple[slice, slice]:
    x, y, w, h = box
    left, right, top, bottom = (max(0, round(v * front.scale)) for v in (x, x + w, y, y + h))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def draw_window(front: Front, box: Box) -> None:
    """A window that fills `box`: lintel, reveal, frame, panes with a sky in them, sill."""
    x, y, w, h = box
    fill_box(front, (x - 0.05, y - 0.2, w + 0.1, 0.2), (128, 142, 160))
    fill_box(front, (x - 0.02, y - 0.02, w + 0.04, h + 0.02), (38, 40, 46))
    fill_box(front, (x + 0.03, y + 0.06, w - 0.06, h - 0.06), front.frame)
    fill_box(front, (x + 0.03, y + 0.06, w - 0.06, 0.02), (92, 96, 98))
    _draw_panes(front, (x + 0.03, y + 0.06, w - 0.06, h - 0.06))
    fill_box(front, (x - 0.08, y + h, w + 0.16, 0.09), (190, 200, 204))
    fill_box(front, (x - 0.06, y + h + 0.09, w + 0.12, 0.06), (52, 54, 60))


def _draw_panes(front: Front, box: Box) -> None:
    x, y, w, h = box
    panes, rows = (3 if w > 1.14 else 2), (3 if h > 1.34 else 2)
    wide, high = (w - _EDGE) / panes, (h - _EDGE) / rows
    colours = _LAMPLIGHT if front.rng.random() < front.lit else _SKY_ON_GLASS
    for col, row in np.ndindex(panes, rows):
        corner = (x + _EDGE + col * wide, y + _EDGE + row * high)
        pane = (*corner, wide - _EDGE * 0.7, high - _EDGE * 0.7)
        _draw_pane(front, pane, row / rows, colours)


def _draw_pane(front: Front, box: Box, depth: float, colours: tuple[Colour, Colour]) -> None:
    """One pane; `depth`, 0..1, is how far down the window it begins."""
    x, y, w, h = box
    fill_box(front, (x - 0.008, y - 0.012, w + 0.02, h + 0.024), (112, 118, 116))
    glass = front.pixels[_slices(front, box)]
    fall = np.linspace(depth, depth + 0.33, glass.shape[0], dtype=np.float32)[:, None, None]
    colour = mix(*colours, fall) * front.rng.uniform(0.72, 1.1)
    glass[:] = to_bytes(colour * (1.25 - 0.45 * _roofline(fall, glass.shape[1])))
    glass[: max(1, glass.shape[0] // 14)] //= 2  # the frame's shadow


def _roofline(fall: Floats, width: int) -> Floats:
    """1 where glass mirrors the houses opposite, 0 where it mirrors the sky."""
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    return smoothstep(-0.04, 0.04, fall - 0.35 - 0.25 * across)
