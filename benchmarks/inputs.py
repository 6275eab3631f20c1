"""The images that the benchmarks read: rendered once, kept in memory or the temporary directory."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.workloads import Inputs, Picture
from testimages.render import SCENES, render_scene

_VERSION = 1
_ROOM = 4 * 1024**3
_SMALL = (768, 512)
_SMALL_QUALITY = 85
_GRID = 4
_LARGE = ((3264, 2448, 88), (4000, 3000, 90), (4416, 3312, 89))
"""Width, height, quality."""


def scratch() -> Path:
    """A folder in memory where there is one: a disk's moods would be measured with the images."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return memory if roomy and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def cache_folder() -> Path:
    """Where inputs, results and sharp's packages are kept between runs."""
    return scratch() / "darkroom-benchmarks"


def load(quick: bool = False) -> Inputs:
    """64 small JPEGs and 12 large ones (a few of each when `quick`), rendered where missing."""
    folder = cache_folder() / f"inputs-{_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    scenes = SCENES[:1] if quick else SCENES
    large = _LARGE[:1] if quick else _LARGE
    return Inputs(
        small=[picture for scene in scenes for picture in _small(folder, scene)],
        large=[_large(folder, scene, *size) for scene in scenes for size in large],
    )


def tiny(folder: Path, count: int) -> list[Picture]:
    """`count` JPEGs of 64x64 pixels in `folder`, for what is paid an image whatever its size."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    pictures = []
    for index in range(count):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Picture(folder / f"{index}.jpg", 64, 64)
        _write(picture.path, cv2.resize(coarse, (64, 64)), _SMALL_QUALITY)
        pictures.append(picture)
    return pictures


def _small(folder: Path, scene: str) -> Iterator[Picture]:
    """Sixteen crops of one large picture."""
    width, height = _SMALL
    paths = [folder / f"small-{scene}-{number}.jpg" for number in range(_GRID**2)]
    if not all(path.exists() for path in paths):
        whole = _rendered(scene, width * _GRID, height * _GRID)
        for number, path in enumerate(paths):
            top, left = number // _GRID * height, number % _GRID * width
            _write(path, whole[top : top + height, left : left + width], _SMALL_QUALITY)
    return (Picture(path, width, height) for path in paths)


def _large(folder: Path, scene: str, width: int, height: int, quality: int) -> Picture:
    path = folder / f"large-{scene}-{width}.jpg"
    if not path.exists():
        _write(path, _rendered(scene, width, height), quality)
    return Picture(path, width, height)


def _rendered(scene: str, width: int, height: int) -> np.ndarray:
    print(f"rendering {scene} at {width}x{height} ...", flush=True)
    return render_scene(scene, width, height)


def _write(path: Path, image: np.ndarray, quality: int) -> None:
    """Moved into place whole: an interrupted run leaves no half picture for the next."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    partial = path.with_suffix(".part")
    partial.write_bytes(data.tobytes())
    partial.replace(path)
