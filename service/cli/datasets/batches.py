"""The pickled batches of CIFAR-10: what they hold, checked.

https://www.cs.toronto.edu/~kriz/cifar.html: `data` is uint8 (N, 3072), a row an image of 32x32, all
its red values, then the green, then the blue, each row by row; `labels` are N numbers from 0;
`filenames` are N names. `batches.meta` has `label_names`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.errors import ImageError
from processors.operation import Image
from processors.pickles.reader import read
from processors.pickles.scanner import PickleLimits
from service.cli.datasets.archive import MAX_MEMBER
from service.cli.datasets.arrays import NAMES, array_of, integer_of
from service.cli.datasets.errors import ArchiveRefused
from service.logs import escape

SIDE = 32
_VALUES = 3 * SIDE * SIDE
_MAX_LABELS = 1000
_LIMITS = PickleLimits(MAX_MEMBER, max_opcodes=300_000, allowed=NAMES.__contains__)
"""A batch of 10,000 images is pickled in 30,000 opcodes, in 250,000 where each label is a scalar of
NumPy."""


@dataclass(frozen=True)
class Batch:
    """Images with the number of their class; `names` are the archive's own, and may be anything."""

    data: npt.NDArray[np.uint8]
    labels: list[int]
    names: list[str]

    def image(self, index: int) -> Image:
        """(32, 32, 3) uint8, blue, green, red."""
        planes: npt.NDArray[np.uint8] = self.data[index].reshape(3, SIDE, SIDE)
        return np.ascontiguousarray(planes[::-1].transpose(1, 2, 0))


def labels_of(name: str, data: bytes) -> list[str]:
    """The names of the classes in `batches.meta`, which may be anything. Raises ArchiveRefused."""
    found = _dict(name, data).get("label_names")
    if not isinstance(found, list) or not 0 < len(found) <= _MAX_LABELS:
        raise ArchiveRefused(f"{name}: there are no label_names, or more than {_MAX_LABELS}")
    return [_text(label) for label in found]


def batch_of(name: str, data: bytes, classes: int) -> Batch:
    """The batch that `data` is, of labels below `classes`. Raises ArchiveRefused."""
    content = _dict(name, data)
    try:
        images = array_of(content.get("data"))
        labels = [integer_of(label) for label in _labels(content)]
    except ValueError as error:
        raise ArchiveRefused(f"{name}: {error}") from None
    if images.dtype != np.uint8 or images.shape != (len(labels), _VALUES):
        raise ArchiveRefused(
            f"{name}: data is {images.dtype} of {images.shape} with {len(labels)} labels; expected "
            f"is uint8 of (number of labels, {_VALUES})"
        )
    if not all(0 <= label < classes for label in labels):
        raise ArchiveRefused(f"{name}: a label is none of the {classes} classes")
    names = content.get("filenames")
    if not isinstance(names, list) or len(names) != len(labels):
        names = [b""] * len(labels)
    return Batch(images, labels, [_text(item) for item in names])


def _labels(content: dict[str, Any]) -> list[Any]:
    found = content.get("labels")
    return found if isinstance(found, list) else list(array_of(found).tolist())


def _dict(name: str, data: bytes) -> dict[str, Any]:
    """The dict that a pickle holds, with text for keys. Raises ArchiveRefused."""
    try:
        found = read(data, _LIMITS)
    except ImageError as error:
        raise ArchiveRefused(f"{escape(name)}: {error}") from None
    if not isinstance(found, dict):
        raise ArchiveRefused(f"{escape(name)}: it holds no dict")
    return {_text(key): value for key, value in found.items()}


def _text(value: Any) -> str:
    """Text, or the bytes of a Python 2 string; nothing for what is neither."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
