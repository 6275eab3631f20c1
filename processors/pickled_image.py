"""Jobs for what clients of the original folder servers send: pickles of names and of images."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import cv2

from processors.encoding import EncodeOptions, encode
from processors.errors import DamagedImage
from processors.limits import Limits
from processors.operation import Size
from processors.pickled_pixels import picture
from processors.pickles.reader import read
from processors.pickles.scanner import PickleLimits
from processors.pipeline import Encoded, Processed, Runner, Timings
from processors.plan import Pipeline
from processors.probing import Header, ImageFormat

_WEIGHT = 4
"""Times its own length: the pickle, its pixels, their file, and what is decoded of that."""

_NO_TIME = Timings(0, 0, 0, 0)


class _Fastest(EncodeOptions):
    """A PNG that is not compressed, and is written five times as fast as with filters."""

    def parameters(self, format: ImageFormat) -> list[int]:
        plain = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
        return [cv2.IMWRITE_PNG_COMPRESSION, 0, *plain]


@dataclass(frozen=True, slots=True)
class PickledImage:
    """The job: `pipeline` for an image of Pillow, pickled, as for a file with the same pixels."""

    pipeline: Pipeline
    limits: PickleLimits


class PickledImageRunner:
    """Makes a lossless file of the pixels, EXIF data and colour profile, and goes on with that."""

    def __init__(self, job: PickledImage, limits: Limits) -> None:
        self._job = job
        self._limits = limits
        # Pixels are what is limited here: the file is as large as they are.
        self._runner = Runner(job.pipeline, replace(limits, max_bytes=sys.maxsize))

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        """Raises as `picture`, `encode` and `Runner.run`."""
        started = perf_counter()
        found = picture(read(data, self._job.limits), self._limits)
        file = encode(found.image, "png", _Fastest(), found.beside)
        del found
        read_in = (perf_counter() - started) * 1000
        done = self._runner.run(file, names[0])
        timings = done.timings
        return replace(
            done,
            timings=replace(
                timings,
                decode=round(timings.decode + read_in, 3),
                total=round(timings.total + read_in, 3),
            ),
        )

    def weight(self, data: bytes) -> int:
        """Estimate the bytes that it holds at once: measured, as a pickle has no header."""
        return _WEIGHT * len(data)

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        """For an image that is a file already."""
        return self._runner.plan(header, names[0]).peak_bytes


@dataclass(frozen=True, slots=True)
class FolderNames:
    """The name of a folder, and those of its images: None for what is no text."""

    folder: str
    images: list[str | None]

    @classmethod
    def from_json(cls, data: bytes) -> "FolderNames":
        folder, images = json.loads(data)
        return cls(folder, images)


@dataclass(frozen=True, slots=True)
class PickledFolder:
    """The job: a pickled `(folder, [names...])` becomes FolderNames as JSON."""

    limits: PickleLimits


class PickledFolderRunner:
    """Reads names; there are no pixels."""

    def __init__(self, job: PickledFolder) -> None:
        self._job = job

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        """Raises UnsupportedFormat, DamagedImage and ImageTooLarge."""
        found = read(data, self._job.limits)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise DamagedImage("the first message is no pair of a folder and its images")
        folder, images = _text(found[0]), found[1]
        if folder is None or not isinstance(images, list | tuple):
            raise DamagedImage("the first message names no folder, or lists no images")
        answer = json.dumps([folder, [_text(name) for name in images]]).encode()
        return Processed([Encoded(answer, Size(1, 1), "png")], _NO_TIME, ())

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        """Never asked: a pickle has no header."""
        return 0


def _text(value: Any) -> str | None:
    """Python 2 has bytes, in whatever its terminal wrote."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return value if type(value) is str else None
