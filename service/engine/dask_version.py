"""What a worker of a cluster has to have in common with the server: code, and packages."""

import json
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points, version
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[2]
SOURCES = (
    "processors/**/*.py",
    "schemas/**/*.py",
    "service/__init__.py",
    "service/engine/*.py",
    "service/local_files.py",
    "service/network/**/*.py",
    "service/remote/**/*.py",
    "service/storage*.py",
    "service/transfer.py",
)
"""The code that a worker runs; a test compares it with what is imported there."""

_PACKAGES = ("distributed", "numba", "numpy", "pebble", "pillow", "pydantic")
_DIGITS = 16


@cache
def versions() -> Mapping[str, str]:
    """The version of each thing, by its name. `code` is a digest of the sources."""
    return {
        "code": _digest(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "opencv": cv2.__version__,
        **{name: version(name) for name in _PACKAGES},
        "plugins": ", ".join(sorted(_plugins())) or "none",
    }


def fingerprint(found: Mapping[str, str]) -> str:
    """A short name for these versions."""
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """What differs, in words: `numpy 2.3.0 (here 2.4.6)`."""
    names = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    return ", ".join(
        f"{name} {theirs.get(name, 'missing')} (here {ours.get(name, 'missing')})" for name in names
    )


def sources() -> list[Path]:
    """The files of SOURCES that there are, in order."""
    return sorted(path for pattern in SOURCES for path in ROOT.glob(pattern))


def _digest() -> str:
    digest = sha256()
    for path in sources():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]


def _plugins() -> Iterator[str]:
    for entry in entry_points(group="darkroom.operations"):
        yield entry.name if entry.dist is None else f"{entry.name} {entry.dist.version}"
