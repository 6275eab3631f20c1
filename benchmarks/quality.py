"""How near a result comes to the best that can be had, so that speeds compare equal quality.

The reference is decoded in full, reduced in floating point, and never encoded. There are two, as
experts differ on the best way to reduce: the mean of the area (what OpenCV users take), and Lanczos
(what sharp takes). Each contestant is held against both.
"""

from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks.workloads import Picture, Work, Workload

Pixels = np.ndarray[Any, np.dtype[np.float32]]

_JUDGED = 16
"""Results of each contestant and workload that are looked at."""


class Quality(NamedTuple):
    """Means over the judged results."""

    by_area: float
    by_lanczos: float
    bytes: float


def judge(work: Work) -> Quality:
    """The quality of results that were written."""
    step = max(1, len(work.pictures) // _JUDGED)
    indexes = range(0, min(len(work.pictures), work.count), step)
    scores = [_scores(work, index) for index in indexes]
    sizes = [work.output(index).stat().st_size for index in indexes]
    by_area, by_lanczos = zip(*scores, strict=True)
    return Quality(fmean(by_area), fmean(by_lanczos), fmean(sizes))


def _scores(work: Work, index: int) -> tuple[float, float]:
    result = _pixels(work.output(index))
    picture = work.pictures[index]
    by_area, by_lanczos = references(work.workload, picture)
    return similarity(result, by_area), similarity(result, by_lanczos)


def similarity(image: Any, reference: Any) -> float:
    """Structural similarity of two (H, W[, C]) images of 0..255, in the setting of its authors
    (Wang et al., 2004)."""
    score = structural_similarity(  # type: ignore[no-untyped-call]
        image,
        reference,
        channel_axis=None if image.ndim == 2 else 2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(score)


@cache
def references(workload: Workload, picture: Picture) -> tuple[Pixels, Pixels]:
    """(H, W, 3) BGR 0..255, reduced by area and by Lanczos."""
    full = _pixels(picture.path)
    size = workload.target(picture)
    by_area = cv2.resize(full, size, interpolation=cv2.INTER_AREA)
    planes = [
        Image.fromarray(np.ascontiguousarray(full[..., channel])).resize(
            size, Image.Resampling.LANCZOS
        )
        for channel in range(3)
    ]
    by_lanczos = np.dstack([np.asarray(plane) for plane in planes])
    return _finished(workload, by_area), _finished(workload, by_lanczos)


def _finished(workload: Workload, image: Any) -> Pixels:
    if workload.blur is not None:
        side, sigma = workload.blur
        image = cv2.GaussianBlur(image, (side, side), sigma)
    return np.clip(image, 0, 255).astype(np.float32)  # type: ignore[no-any-return]


def _pixels(path: Path) -> Pixels:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image is not None, path
    return image.astype(np.float32)
