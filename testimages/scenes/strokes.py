"""Strokes: the tubes and flat outlines that bicycles, branches and street furniture are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike

from testimages.scenes.camera import Camera
from testimages.scenes.canvas import Stage
from testimages.scenes.pixels import SHIFT, Colour, Floats, Image, fill, fixed, floats, mix

_SKYLIGHT: Colour = (255, 252, 248)


@dataclass(frozen=True)
class Stroke:
    """A tube along points, or the outline that they enclose.

    points  (N, 3) float32 metres
    width   metres; 0 fills the outline instead
    gloss   how white the highlight of a tube is, 0..1
    """

    points: Floats
    width: float
    colour: Colour
    gloss: float = 0.0

    def along(self, points: ArrayLike) -> Stroke:
        """The same stroke along other points (N, 3)."""
        return replace(self, points=floats(points))

    def thickness(self, camera: Camera) -> float:
        """Its width in pixels, half way along."""
        return self.width * camera.scale(float(self.points[:, 2].mean()))


def bar(
    start: tuple[float, float, float], end: tuple[float, float, float], width: float, colour: Colour
) -> Stroke:
    """A straight piece of painted metal or wood, (X, Y, Z) to (X, Y, Z)."""
    return Stroke(floats([start, end]), width, colour, 0.35)


def outline(points: ArrayLike, colour: Colour) -> Stroke:
    """A flat area of one colour inside points (N, 3)."""
    return Stroke(floats(points), 0, colour)


def draw(stage: Stage, strokes: Iterable[Stroke], daylight: float = 1.0) -> None:
    """Paint tubes and outlines in order; `daylight` is the gain of their colours."""
    for stroke in strokes:
        points = stage.camera.project(stroke.points)
        colour = floats(floats(stroke.colour) * daylight)
        if stroke.width:
            thickness = stroke.thickness(stage.camera)
            _draw_tube(stage.pixels, points, thickness, colour, stroke.gloss)
        else:
            fill(stage.pixels, points, colour.tolist())


def silhouette(camera: Camera, strokes: Iterable[Stroke]) -> Floats:
    """(H, W) float32, 1 where a stroke covers the picture and 0 elsewhere."""
    canvas: Image = np.zeros((camera.height, camera.width), np.uint8)
    for stroke in strokes:
        points = camera.project(stroke.points)
        if stroke.width:
            _draw_line(canvas, points, stroke.thickness(camera), [255])
        else:
            fill(canvas, points, [255])
    return floats(floats(canvas) / 255)


def _draw_tube(target: Image, points: Floats, width: float, colour: Floats, gloss: float) -> None:
    if width < 2.5:  # too thin to look round
        _draw_line(target, points, width, colour)
        return
    # A round tube is darkest at its edge and brightest where it faces the sky.
    for inward in np.linspace(0, 1, int(np.clip(width / 2.5, 3, 14))):
        raised = points - floats([0.14, 0.22]) * width * inward
        _draw_line(target, raised, width * (1 - 0.75 * inward), colour * (0.45 + 0.68 * inward))
    bright = mix(colour * 1.1, _SKYLIGHT, gloss)
    _draw_line(target, points - floats([0.16, 0.25]) * width, width * 0.13, bright)


def _draw_line(target: Image, points: ArrayLike, width: float, colour: ArrayLike) -> None:
    paint = tuple(np.clip(floats(colour), 0, 255).tolist())
    cv2.polylines(target, [fixed(points)], False, paint, max(1, round(width)), cv2.LINE_AA, SHIFT)
