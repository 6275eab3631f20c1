"""A scene, and how it becomes a photograph: painted larger, reduced, printed, with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from testimages.scenes.camera import Camera
from testimages.scenes.canvas import Stage
from testimages.scenes.noise import blur
from testimages.scenes.pixels import Colour, Floats, Image, floats, to_bytes

_SUPERSAMPLED_PIXELS = 4_000_000  # a larger picture has pixels enough of its own


@dataclass(frozen=True)
class Scene:
    """How a scene is painted, seen and printed.

    eye         metres above the ground
    horizon     share of the picture's height, from the top
    focal       share of the picture's smaller side
    print_gain  what the print multiplies blue, green and red by
    noise       deviation of the sensor's noise, levels of 255
    seed        the seed of all its chance
    """

    paint: Callable[[Stage], None]
    eye: float
    horizon: float
    focal: float
    print_gain: Colour
    noise: float
    seed: int

    def render(self, width: int, height: int) -> Image:
        """The picture as (height, width, 3) uint8 BGR, the same pixels at every call."""
        zoom = 2 if width * height <= _SUPERSAMPLED_PIXELS else 1
        stage = self._stage(width * zoom, height * zoom)
        self.paint(stage)
        reduced = cv2.resize(stage.pixels, (width, height), interpolation=cv2.INTER_AREA)
        seen = _exposed(floats(reduced), self.print_gain)
        return to_bytes(_noisy(seen, self.noise, stage.rng))

    def _stage(self, width: int, height: int) -> Stage:
        focal = self.focal * min(width, height)
        camera = Camera(width, height, self.horizon * height, focal, self.eye)
        pixels = np.zeros((height, width, 3), np.uint8)
        return Stage(pixels, camera, np.random.default_rng(self.seed))


def _exposed(seen: Floats, gain: Colour) -> Floats:
    """What lens and print do to (H, W, 3) 0..255: a vignette, their tint, a gentle S-curve."""
    h, w = seen.shape[:2]
    seen = floats(np.clip(seen * (_vignette(h, w)[..., None] * floats(gain)), 0, 255))
    return floats(seen + (seen / 255 - 0.5) * (1 - np.abs(seen / 127.5 - 1)) * 34)


def _vignette(height: int, width: int) -> Floats:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    return floats(1.02 - 0.11 * (x * x + y * y))


def _noisy(seen: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """A sensor's noise on (H, W, 3): grain in brightness, and a coarser one in colour."""
    h, w = seen.shape[:2]
    grain = blur(rng.standard_normal((h, w), np.float32), 0.55)
    seen = floats(seen + grain[..., None] * (noise / float(grain.std())))
    colour = rng.standard_normal((-(-h // 2), -(-w // 2), 3), np.float32)
    blotches = cv2.resize(colour, (w, h), interpolation=cv2.INTER_LINEAR)
    return floats(seen + blotches * (0.45 * noise))
