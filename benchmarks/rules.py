"""The planner's fast rules against the exact way, one by one: what is won, and what it costs."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks.quality import similarity
from benchmarks.workloads import Picture
from processors.operation import Size
from processors.resample import by_area, shrink_in_two_steps

_RATIOS = (1.2, 1.5, 1.92, 2.5, 3.84, 5.3)
_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

Way = Callable[[], Any]


class Rule(NamedTuple):
    """Milliseconds an image the exact way and the fast way, and the SSIM between their results."""

    rule: str
    case: str
    exact: float
    fast: float
    similarity: float


def measure(pictures: list[Picture], repeats: int) -> list[Rule]:
    """Each rule on the same photographs, on one thread."""
    cv2.setNumThreads(1)
    files = [_read(picture.path) for picture in pictures]
    images = [_decoded(data) for data in files]
    found = [_two_steps(images, ratio, repeats) for ratio in _RATIOS]
    found += [_reduced(files, reduction, repeats) for reduction in _REDUCED]
    return [*found, _gray(files, repeats)]


def _two_steps(images: list[Any], ratio: float, repeats: int) -> Rule:
    pairs = []
    for image in images:
        size = Size(round(image.shape[1] / ratio), round(image.shape[0] / ratio))
        pairs.append((_bound(by_area, image, size), _bound(shrink_in_two_steps, image, size)))
    return _compared("shrink_in_two_steps", f"ratio {ratio:g}", pairs, repeats)


def _reduced(files: list[Any], reduction: int, repeats: int) -> Rule:
    def full(data: Any) -> Any:
        image = _decoded(data)
        height, width = image.shape[:2]
        return by_area(image, Size(-(-width // reduction), -(-height // reduction)))

    def reduced(data: Any) -> Any:
        return cv2.imdecode(data, _REDUCED[reduction])

    pairs = [(_bound(full, data), _bound(reduced, data)) for data in files]
    return _compared("decode_reduced", f"JPEG to 1/{reduction}", pairs, repeats)


def _gray(files: list[Any], repeats: int) -> Rule:
    def converted(data: Any) -> Any:
        return cv2.cvtColor(_decoded(data), cv2.COLOR_BGR2GRAY)

    def gray(data: Any) -> Any:
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    pairs = [(_bound(converted, data), _bound(gray, data)) for data in files]
    return _compared("decode_gray", "JPEG to gray", pairs, repeats)


def _compared(rule: str, case: str, pairs: list[tuple[Way, Way]], repeats: int) -> Rule:
    times = [(_time(exact), _time(fast)) for _ in range(repeats) for exact, fast in pairs]
    exact_times, fast_times = zip(*times, strict=True)
    alike = fmean(similarity(exact(), fast()) for exact, fast in pairs)
    return Rule(rule, case, median(exact_times), median(fast_times), alike)


def _time(way: Way) -> float:
    started = perf_counter()
    way()
    return (perf_counter() - started) * 1000


def _bound(function: Callable[..., Any], *arguments: Any) -> Way:
    return lambda: function(*arguments)


def _read(path: Path) -> Any:
    return np.frombuffer(path.read_bytes(), np.uint8)


def _decoded(data: Any) -> Any:
    return cv2.imdecode(data, cv2.IMREAD_COLOR)
