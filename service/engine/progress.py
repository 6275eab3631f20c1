"""Which image of its task a worker is at, kept where it outlives a worker that is killed.

A group of images shares a task, and when its worker is killed only the one that it was at may be to
blame. The positions lie in a file in memory, one place for each task that runs.
"""

import mmap
import weakref
from functools import lru_cache
from pathlib import Path

from service.transfer import MemoryFile

NONE = -1
"""No image: the task has not begun, or all of its images are done."""

_BYTES = 8


class Progress:
    """Places for `most` tasks at once. Its methods have to be called in turn."""

    def __init__(self, most: int) -> None:
        self._file = MemoryFile()
        self._file.write(bytes(most * _BYTES))
        self._positions = _map(self.path)
        weakref.finalize(self, self._file.close)
        self._free = list(range(most))

    @property
    def path(self) -> str:
        """What a worker of the same user gives to `note`."""
        return self._file.path

    def take(self) -> int:
        """A place for one more task."""
        place = self._free.pop()
        self._positions[place] = NONE
        return place

    def give_back(self, place: int) -> int | None:
        """The position in its task of the image that the worker was at; None if it was at none."""
        self._free.append(place)
        position = self._positions[place]
        return None if position == NONE else position


def note(path: str, place: int, position: int) -> None:
    """In a worker: the image at `position` of its task is begun, or NONE is."""
    _mapped(path)[place] = position


def _map(path: str) -> "memoryview[int]":
    with Path(path).open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0)).cast("q")


_mapped = lru_cache(1)(_map)  # a worker has one such file
