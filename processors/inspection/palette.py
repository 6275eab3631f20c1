"""The few colours that a picture is made of.

k-means in CIE L*a*b*, where distances are near to what the eye makes of them.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.cielab import from_lab, to_lab
from processors.operation import Image, channels_of, size_of
from processors.perceptual_hash import eight_bits

MAX_COLORS = 5
_SIDE = 64
_SEED = 1
_ATTEMPTS = 3
_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 0.1)
_ALIKE = 5.0
"""Delta E (CIE 1976) below which two clusters count as one colour."""


@dataclass
class Cluster:
    """A colour in L*a*b*, and its part of the pixels, 0 to 1."""

    lab: NDArray[np.float32]
    share: float

    @property
    def hex(self) -> str:
        blue, green, red = from_lab(self.lab.reshape(1, 1, 3), 255).ravel().astype(int)
        return f"#{red:02x}{green:02x}{blue:02x}"


def dominant_colors(image: Image) -> list[Cluster]:
    """Up to five, the largest share first, of what is not wholly transparent.

    The same for the same pixels. Empty for an image that is wholly transparent.
    """
    seen = _seen(image)
    if not len(seen):
        return []
    count = min(MAX_COLORS, len(np.unique(seen, axis=0)))
    samples: Any = to_lab(seen.reshape(1, -1, 3)).reshape(-1, 3)
    if count == 1:  # a single sample has the shape of three
        return [Cluster(samples[0], 1.0)]
    cv2.setRNGSeed(_SEED)
    _, labels, centers = cv2.kmeans(
        samples, count, np.empty((0,), np.int32), _STOP, _ATTEMPTS, cv2.KMEANS_PP_CENTERS
    )
    shares = np.bincount(labels.ravel(), minlength=count) / len(samples)
    return _merged([Cluster(lab, float(share)) for lab, share in zip(centers, shares, strict=True)])


def _seen(image: Image) -> NDArray[np.uint8]:
    """(N, 3) BGR: a grid of pixels of the image, as they are, so that edges make no colours."""
    size = size_of(image)
    smaller = (min(_SIDE, size.width), min(_SIDE, size.height))
    small: Any = eight_bits(cv2.resize(image, smaller, interpolation=cv2.INTER_NEAREST_EXACT))  # type: ignore[arg-type]
    if channels_of(small) == 1:
        small = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    pixels: NDArray[np.uint8] = small.reshape(-1, channels_of(small))
    return pixels[pixels[:, 3] > 0, :3] if pixels.shape[1] == 4 else pixels


def _merged(clusters: list[Cluster]) -> list[Cluster]:
    """A cluster that is nearly the colour of a larger one is added to it."""
    found: list[Cluster] = []
    for cluster in sorted(clusters, key=lambda cluster: -cluster.share):
        alike = (one for one in found if np.linalg.norm(one.lab - cluster.lab) < _ALIKE)
        if (larger := next(alike, None)) is not None:
            larger.share += cluster.share
        elif cluster.share:
            found.append(cluster)
    return sorted(found, key=lambda cluster: -cluster.share)
