"""What each operation costs: time a megapixel, beside Pillow's and pyvips' where they have it.

`python -m benchmarks.operations SECONDS [NAME ...]` measures and prints JSON, a row for each.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image as Pillow

from benchmarks.contestants.program import KEEP_MEMORY
from benchmarks.counterparts import PILLOW, VIPS, Counterpart
from processors.operation import Image, Operation
from processors.registry import registry
from processors.resources import reading

SECONDS = 0.15
"""How long a library runs for one operation; it runs once at least, after a run to warm up."""

_ROOT = Path(__file__).resolve().parents[1]
_PICTURE = _ROOT / "testimages" / "cyclo2.jpg"
_NEEDS_ALPHA = {"flatten"}
_HALF_CLEAR = 128

Way = Callable[[], Any]


class Cost(NamedTuple):
    """Milliseconds a megapixel of one use; None where the library does not have it."""

    use: str
    darkroom: float
    pillow: float | None
    vips: float | None


def photograph() -> Image:
    """(1024, 1024, 3) uint8: a street scene rendered by the project."""
    found = cv2.imread(str(_PICTURE))
    assert found is not None, f"{_PICTURE} is missing"
    return found  # type: ignore[return-value]


def measure_apart(seconds: float = SECONDS, names: set[str] | None = None) -> list[Cost]:
    """On the photograph, in a process of its own that keeps freed memory as a worker does."""
    command = [sys.executable, "-m", __name__, str(seconds), *(names or ())]
    environment = os.environ | KEEP_MEMORY
    done = subprocess.run(command, env=environment, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    return [Cost(*row) for row in json.loads(done.stdout)]


def measure(image: Image, seconds: float = SECONDS, names: set[str] | None = None) -> list[Cost]:
    """The example of each operation, or of those named, on `image`, (H, W, 3) uint8."""
    with _one_thread(), reading(lambda path: (_ROOT / path).read_bytes()):
        vips = _vips_takes_part()
        return [
            _cost(operation.example, _picture_for(operation.name(), image), seconds, vips)
            for operation in registry()
            if _is_own(operation) and (names is None or operation.name() in names)
        ]


def _vips_takes_part() -> bool:
    """Whether pyvips can be loaded; on one thread then, with no answers from its memory."""
    try:
        import pyvips
    except (ImportError, OSError):
        return False
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    return True


def _is_own(operation: type[Operation]) -> bool:
    """Not a plugin, which may be installed here."""
    return operation.__module__.startswith("processors.operations.")


def _cost(use: str, image: Image, seconds: float, vips: bool) -> Cost:
    operation = registry().parse(use)
    pixels = image.shape[0] * image.shape[1] / 1e6
    ways = (
        lambda: operation.produce(image),
        _by_pillow(PILLOW.get(use), image),
        _by_vips(VIPS.get(use) if vips else None, image),
    )
    found = [None if way is None else _milliseconds(way, seconds) / pixels for way in ways]
    assert found[0] is not None
    return Cost(use, found[0], *found[1:])


def _by_pillow(counterpart: Counterpart | None, image: Image) -> Way | None:
    if counterpart is None:
        return None
    picture = Pillow.fromarray(_in_rgb(image))
    return lambda: counterpart(picture)


def _by_vips(counterpart: Counterpart | None, image: Image) -> Way | None:
    """Into memory: until then nothing is worked out."""
    if counterpart is None:
        return None
    import pyvips

    picture = pyvips.Image.new_from_array(_in_rgb(image), interpretation="srgb").copy_memory()
    return lambda: counterpart(picture).copy_memory()


def _milliseconds(way: Way, seconds: float) -> float:
    """The median run's."""
    way()
    taken: list[float] = []
    end = perf_counter() + seconds
    while not taken or perf_counter() < end:
        started = perf_counter()
        way()
        taken.append((perf_counter() - started) * 1000)
    return median(taken)


def _picture_for(name: str, image: Image) -> Image:
    if name not in _NEEDS_ALPHA:
        return image
    alpha = np.full(image.shape[:2], _HALF_CLEAR, np.uint8)
    return np.dstack([image, alpha])  # type: ignore[return-value]


def _in_rgb(image: Image) -> Image:
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(image, code)  # type: ignore[return-value]


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


if __name__ == "__main__":
    print(json.dumps(measure(photograph(), float(sys.argv[1]), set(sys.argv[2:]) or None)))
