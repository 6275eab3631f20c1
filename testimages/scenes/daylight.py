"""What light does in a scene: the sky, shade and cast shadows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from testimages.scenes.canvas import Stage
from testimages.scenes.ground import spread_tile
from testimages.scenes.noise import blur, fractal, smoothstep
from testimages.scenes.pixels import Colour, Floats, floats, light, mix, to_bytes
from testimages.scenes.strokes import Stroke, silhouette


def paint_sky(stage: Stage, high: Colour, low: Colour, cloud: Colour, cover: float) -> None:
    """A gradient down to the horizon, with clouds over about `cover` of it."""
    rows = int(np.clip(stage.camera.horizon + 2, 1, stage.camera.height))
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    gradient = mix(high, low, (height**0.8)[..., None])
    noise = fractal((rows, stage.camera.width), stage.rng, rows * 0.45, stretch=2.2)
    thick = smoothstep(1.2 - 2.4 * cover, 2.6 - 2.4 * cover, noise + 0.5 * height)
    belly = mix(cloud, floats(cloud) * 0.86, smoothstep(0.6, 2.4, noise)[..., None])
    stage.pixels[:rows] = to_bytes(mix(gradient, belly, 0.85 * thick[..., None]))


def shade(stage: Stage, mask: ArrayLike, softness: float, tint: Colour) -> None:
    """Multiply the picture by `tint` where mask (H, W) is 1, not at all where it is 0.

    `softness` is in thousandths of the smaller side.
    """
    mask = blur(mask, softness / 1000 * min(stage.pixels.shape[:2]))
    rows = np.flatnonzero(mask.max(axis=1) > 0.004)
    if rows.size:  # only these rows change, and most shadows are small
        seen = slice(int(rows[0]), int(rows[-1]) + 1)
        light(stage.pixels[seen], mix((1, 1, 1), tint, mask[seen, :, None]))


def shade_under(stage: Stage, strokes: Iterable[Stroke], softness: float, tint: Colour) -> None:
    """Darken what the strokes would cover, before something else is drawn there."""
    shade(stage, silhouette(stage.camera, strokes), softness, tint)


def cast_shadow(
    stage: Stage, strokes: Iterable[Stroke], sun: tuple[float, float], softness: float, tint: Colour
) -> None:
    """Darken the ground where `strokes` hide the sun; `sun` is the shadow's (X, Z) per metre up."""
    flat = [stroke.along(_flattened(stroke.points, sun)) for stroke in strokes]
    shade_under(stage, flat, softness, tint)


def _flattened(points: Floats, sun: tuple[float, float]) -> Floats:
    x, y, z = points.T
    return floats(np.stack([x + sun[0] * y, np.zeros_like(y), z + sun[1] * y], axis=1))


def dapple(stage: Stage, top: int, tint: Colour, amount: float) -> None:
    """Shade of leaves overhead on the ground from row `top` down; `amount` -1..1 is its share."""
    spots = smoothstep(-0.35, 0.35, fractal((512, 512), stage.rng, 70) + amount)
    mask = np.zeros(stage.pixels.shape[:2], np.float32)
    mask[top:] = spread_tile(stage.camera, spots, 6.0, top)
    shade(stage, mask, 2, tint)
