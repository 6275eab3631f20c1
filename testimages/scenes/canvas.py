"""The picture while it is painted: textures in perspective, and focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from testimages.scenes.camera import Camera
from testimages.scenes.noise import smoothstep
from testimages.scenes.pixels import Floats, Image, blend, floats


@dataclass
class Stage:
    """The picture being painted: pixels (H, W, 3) uint8, its camera, its source of chance."""

    pixels: Image
    camera: Camera
    rng: np.random.Generator


def upright(
    start: tuple[float, float], end: tuple[float, float], bottom: float, top: float
) -> Floats:
    """The corners of a wall over the ground from (X, Z) to (X, Z), clockwise from top left.

    (4, 3) float32 metres.
    """
    (x0, z0), (x1, z1) = start, end
    return floats([[x0, top, z0], [x1, top, z1], [x1, bottom, z1], [x0, bottom, z0]])


def paste(stage: Stage, texture: Image, corners: Floats, alpha: Image | None = None) -> None:
    """Warp a texture so that its corners, clockwise from top left, land on the given ones.

    texture  (h, w, 3) uint8
    corners  (4, 3) metres
    alpha    (h, w) uint8, what of the texture is seen; all of it by default
    """
    h, w = texture.shape[:2]
    alpha = np.full((h, w), 255, np.uint8) if alpha is None else alpha
    quad = stage.camera.project(corners)
    x0, y0, x1, y1 = _clipped_box(stage, quad)
    if x0 >= x1 or y0 >= y1:
        return
    source = floats([[0, 0], [w, 0], [w, h], [0, h]])
    matrix = cv2.getPerspectiveTransform(source, floats(quad - floats([x0, y0])))
    size = (x1 - x0, y1 - y0)
    warped = cv2.warpPerspective(texture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    cover = floats(cv2.warpPerspective(alpha, matrix, size)) / 255
    blend(stage.pixels[y0:y1, x0:x1], warped, cover)


def _clipped_box(stage: Stage, quad: Floats) -> tuple[int, int, int, int]:
    h, w = stage.pixels.shape[:2]
    x0, y0 = (int(v) for v in np.clip(np.floor(quad.min(axis=0)), 0, (w, h)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(quad.max(axis=0)), 0, (w, h)))
    return x0, y0, x1, y1


def soften(stage: Stage, sigma: float, sharp: float = 0.0) -> None:
    """Put what is painted so far out of focus, save the ground nearer than `sharp` metres.

    `sigma` is in thousandths of the smaller side.
    """
    rows = stage.camera.row(0, sharp) if sharp else stage.camera.height
    seen = stage.pixels[:rows]
    pixels = max(sigma / 1000 * min(stage.pixels.shape[:2]), 0.3)
    focus = smoothstep(0.82, 1.0, np.arange(rows) / rows) if sharp else np.zeros(rows)
    blend(seen, cv2.GaussianBlur(seen, (0, 0), pixels), (1 - focus)[:, None])
