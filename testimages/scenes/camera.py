"""The camera: where a point of the street, in metres, lands in the picture, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testimages.scenes.pixels import Floats, floats

_NEAREST = 0.3  # metres; what is closer, or behind the camera, is drawn as if it were here


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera: X right, Y up from the ground, Z ahead.

    width, height   pixels
    horizon         pixel row
    focal           pixels
    eye             metres above the ground
    """

    width: int
    height: int
    horizon: float
    focal: float
    eye: float

    def scale(self, depth: float) -> float:
        """Pixels per metre at `depth`."""
        return self.focal / max(depth, _NEAREST)

    def project(self, points: Floats) -> Floats:
        """(N, 3) metres to (N, 2) pixels, float32."""
        ratio = self.focal / np.maximum(points[:, 2], _NEAREST)
        x = self.width / 2 + points[:, 0] * ratio
        y = self.horizon + (self.eye - points[:, 1]) * ratio
        return floats(np.stack([x, y], axis=1))

    def row(self, level: float, depth: float) -> int:
        """The pixel row of the height `level` at `depth`, inside the frame."""
        row = self.horizon + (self.eye - level) * self.scale(depth)
        return int(np.clip(row, 0, self.height))

    def reach(self, depth: float) -> float:
        """Metres from the middle of the frame to its edge at `depth`."""
        return self.width / 2 / self.scale(depth)

    def ceiling(self, depth: float) -> float:
        """Metres from the ground to the upper edge of the frame at `depth`."""
        return self.eye + self.horizon / self.scale(depth)

    def slopes(self) -> Floats:
        """(W,) float32, metres to the right per metre ahead, for each column of pixels."""
        return floats(self._from_middle() / self.focal)

    def ground_places(self, top: int) -> tuple[Floats, Floats]:
        """The ground seen in the rows from `top` down: X (rows, W) and Z (rows, 1), float32."""
        below = np.arange(top, self.height, dtype=np.float32)[:, None] + 0.5 - self.horizon
        z = self.eye * self.focal / np.maximum(below, 0.25)
        return floats(self._from_middle() * z / self.focal), floats(z)

    def _from_middle(self) -> Floats:
        return floats(np.arange(self.width, dtype=np.float32) - self.width / 2)
