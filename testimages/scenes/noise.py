"""Fields of numbers, (H, W) float32: noise, blur, thresholds and the light on bumps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from testimages.scenes.pixels import Floats, floats


def smoothstep(low: float, high: float, values: ArrayLike) -> Floats:
    """0 below `low`, 1 above `high`, smooth between; float32 in the shape of `values`."""
    t = np.clip((floats(values) - low) / (high - low), 0, 1)
    return floats(t * t * (3 - 2 * t))


def blur(values: ArrayLike, sigma: float) -> Floats:
    """Gaussian blur of (H, W[, C]) to float32; `sigma` in pixels."""
    values = floats(values)
    if sigma < 0.2:
        return values
    step = max(1, int(sigma / 3))  # a large blur runs on a reduced copy, where nobody can tell
    h, w = values.shape[:2]
    small = cv2.resize(values, (-(-w // step), -(-h // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return floats(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))


def fractal(
    shape: tuple[int, ...], rng: np.random.Generator, cell: float, stretch: float = 1.0
) -> Floats:
    """Noise (H, W) float32, mean 0 and deviation about 1, detail from `cell` pixels down to 2.

    `stretch` widens it. Opposite edges meet, so that it can be a tile.
    """
    h, w = shape
    total: Floats = np.zeros(shape, np.float32)
    weight = 1.0
    while cell >= 2 and weight > 0.03:
        grid = max(1, round(h / cell)), max(1, round(w / (cell * stretch)))
        total += weight * _wrapped_noise((h, w), grid, rng)
        cell, weight = cell / 2, weight * 0.6
    return floats(total / max(float(total.std()), 1e-6))


def _wrapped_noise(
    shape: tuple[int, int], grid: tuple[int, int], rng: np.random.Generator
) -> Floats:
    (h, w), (rows, cols) = shape, grid
    coarse = np.pad(rng.standard_normal(grid, np.float32), 2, mode="wrap")
    to_coarse = floats([[cols / w, 0, 2], [0, rows / h, 2]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return floats(cv2.warpAffine(coarse, to_coarse, (w, h), flags=flags))


def relief(height: ArrayLike, smooth: float, depth: float) -> Floats:
    """The gain (H, W) float32 that makes a height field (H, W) look lit from the upper left.

    `smooth` is the roundness of its edges in pixels, `depth` the strength.
    """
    soft = blur(height, smooth)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    return floats(1 + np.clip(depth * (0.06 * across + 0.11 * down), -0.4, 0.4))
