"""Jobs for what clients of the original folder servers send: pickles of names and of images."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import cv2

from processors.embedding import written
from processors.errors import DamagedImage, EncodeError
from processors.limits import Limits
from processors.operation import Size
from processors.pickled_pixels import Picture, picture
from processors.pickles.reader import read
from processors.pickles.scanner import PickleLimits
from processors.pipeline import Encoded, Processed, Runner, Timings
from processors.plan import Pipeline
from processors.probing import Header

_FASTEST = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 0),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE),
]
_NO_TIME = Timings(0, 0, 0, 0)


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
        """Raises as `picture` and `Runner.run`."""
        started = perf_counter()
        file = _file(picture(read(data, self._job.limits), self._limits))
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

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        """Never asked: a pickle has no header."""
        return self._runner.plan(header, names[0]).peak_bytes


def _file(found: Picture) -> bytes:
    done, data = written(found.image, "png", _FASTEST, found.beside)
    if not done:
        raise EncodeError("the pixels of the pickle cannot be kept")
    return data


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
