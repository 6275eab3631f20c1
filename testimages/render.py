"""Render the sample images: four street scenes with bicycles, made by this program alone.

`python testimages/render.py` writes cyclo1.jpg to cyclo4.jpg next to itself. Benchmarks call
`render_scene` for pictures of any size; what is seen is the same, the fine detail follows the size.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2

if not __package__:  # run as a script: the repository's root is not on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from testimages.scenes import canal, evening, park, wall
from testimages.scenes.pixels import Image

_SCENES = {
    "canal": canal.SCENE,
    "evening": evening.SCENE,
    "wall": wall.SCENE,
    "park": park.SCENE,
}
SCENES = tuple(_SCENES)


@dataclass(frozen=True)
class Sample:
    """A file to write: its scene, its size in pixels and its JPEG quality."""

    file: str
    scene: str
    width: int
    height: int
    quality: int


_SAMPLES = (
    Sample("cyclo1.jpg", "canal", 1024, 754, 90),
    Sample("cyclo2.jpg", "evening", 1024, 1024, 88),
    Sample("cyclo3.jpg", "wall", 1024, 1024, 88),
    Sample("cyclo4.jpg", "park", 512, 512, 92),
)


def render_scene(name: str, width: int, height: int) -> Image:
    """The scene `name` as (height, width, 3) uint8 BGR, the same pixels at every call.

    `width` and `height` are 256 to 4608 pixels; `name` is one of SCENES.
    """
    return _SCENES[name].render(width, height)


def write_sample(sample: Sample, folder: Path) -> Path:
    """Render a sample into `folder`; OSError when it cannot be written."""
    target = folder / sample.file
    picture = render_scene(sample.scene, sample.width, sample.height)
    if not cv2.imwrite(str(target), picture, [cv2.IMWRITE_JPEG_QUALITY, sample.quality]):
        raise OSError(f"cannot write {target}")
    return target


def main() -> None:
    """Write the samples next to this program and print their sizes."""
    for sample in _SAMPLES:
        target = write_sample(sample, Path(__file__).resolve().parent)
        size = f"{sample.width}x{sample.height}"
        print(f"{sample.file}  {sample.scene}  {size}  {target.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
