"""Images of batches as PNG files, one folder a class."""

import re
import secrets
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import cv2

from service.cli.datasets.batches import Batch
from service.cli.datasets.errors import DatasetRefused
from service.logs import escape
from service.storage import Storage

_UNSAFE = re.compile(r"[^\w .+-]")
_LONGEST = 60
"""Characters, of four bytes at most: a file system takes names of 255."""


def chosen(labels: list[str], wanted: Iterable[str]) -> set[int]:
    """The numbers of the wanted classes, of all where none is named. Raises DatasetRefused."""
    names = list(wanted)
    if unknown := [name for name in names if name not in labels]:
        raise DatasetRefused(
            f"--classes: there is no {', '.join(unknown)}; there are "
            f"{', '.join(escape(label) for label in labels)}"
        )
    return {number for number, label in enumerate(labels) if not names or label in names}


class Folders:
    """Writes below `output`, into one folder a class. Raises OSError."""

    def __init__(self, output: Path, labels: list[str]) -> None:
        self._output = output
        self._names = _folder_names(labels)
        self._taken: set[tuple[int, str]] = set()
        self._storage = Storage((), (output,), max_bytes=0)
        self._token = secrets.token_hex(8)

    def save(self, source: str, batch: Batch, classes: set[int]) -> Counter[str]:
        """Write the images of these classes, and count them by folder. `source` names the batch.

        Raises StorageError.
        """
        found = [index for index, label in enumerate(batch.labels) if label in classes]
        for index in found:
            label = batch.labels[index]
            path = self._output / self._names[label] / self._name(label, source, batch, index)
            png = cv2.imencode(".png", batch.image(index))[1].tobytes()
            self._storage.write(str(path), [png], self._token)
        return Counter(self._names[batch.labels[index]] for index in found)

    def _name(self, label: int, source: str, batch: Batch, index: int) -> str:
        """The archive's own name where it is safe and not taken, else the batch and a number."""
        stem = PurePosixPath(batch.names[index]).stem
        if stem != _safe(stem) or not stem or (label, stem.lower()) in self._taken:
            stem = f"{_safe(source)}_{index:05}"
        self._taken.add((label, stem.lower()))
        return f"{stem}.png"


def _folder_names(labels: list[str]) -> list[str]:
    """A safe name for the folder of each class, no two of them the same."""
    names: list[str] = []
    taken: set[str] = set()
    for number, label in enumerate(labels):
        name = _safe(label) or f"class_{number}"
        while name.lower() in taken:
            name += f"_{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def _safe(text: str) -> str:
    """`text` as a name that is one part of a path on every system, and not hidden."""
    return _UNSAFE.sub("_", text).strip(". ")[:_LONGEST]
