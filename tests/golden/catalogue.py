"""Which uses of the operations have golden images, on which pictures, and the file of them."""

import json
from functools import cache
from pathlib import Path

from processors import operations as families
from processors.errors import StepFailed
from processors.operation import Image, Operation
from processors.registry import registry
from processors.resources import reading
from tests.contracts.test_operations import MORE
from tests.golden.fingerprint import Fingerprint, differences, fingerprint
from tests.golden.pictures import picture

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("operations.json")
COMMAND = "python -m tests.golden"

SIZES = ((96, 64), (400, 300))
"""The pictures' width and height; the second where an example asks for more than the first has."""

PICTURES = {"gray": (1, 8), "colour": (3, 8), "alpha": (4, 8), "16 bits": (3, 16)}
"""Channels and depth."""

ONE_PICTURE = ("colour",)
"""On what further uses are tried: they differ from the example in their parameters alone."""

Entry = dict[str, list[Fingerprint]]
"""By picture, the fingerprints of the images that it becomes."""


def own_operations() -> list[type[Operation]]:
    """The operations without plugins, which may be installed where the tests run."""
    home = f"{families.__name__}."
    return [operation for operation in registry() if operation.__module__.startswith(home)]


@cache
def uses() -> dict[str, tuple[str, ...]]:
    """Each use in text form, by operation and in order, and the pictures for it."""
    found: dict[str, tuple[str, ...]] = {}
    for operation in own_operations():
        found[operation.example] = tuple(PICTURES)
        for text in MORE.get(operation.name(), ()):
            found.setdefault(text, ONE_PICTURE)
    return found


def entry(text: str) -> Entry:
    """What the use makes of its pictures now; images that it reads are below the repository."""
    with reading(lambda path: (ROOT / path).read_bytes()):
        return {name: [fingerprint(image) for image in _made(text, name)] for name in uses()[text]}


def _made(text: str, name: str) -> list[Image]:
    channels, depth = PICTURES[name]
    use = registry().parse(text)
    small, large = (picture(*size, channels, depth) for size in SIZES)
    try:
        return use.produce(small)
    except StepFailed:
        return use.produce(large)


def moved(found: Entry, golden: Entry) -> list[str]:
    """A sentence for each thing that differs between two entries of one use."""
    if found.keys() != golden.keys():
        return [f"the pictures are {', '.join(found)}; they were {', '.join(golden)}"]
    return [text for name in found for text in _in_picture(name, found[name], golden[name])]


def _in_picture(name: str, found: list[Fingerprint], golden: list[Fingerprint]) -> list[str]:
    if len(found) != len(golden):
        return [f"{name}: {len(found)} images, there were {len(golden)}"]
    parts = [f", image {at}" if len(found) > 1 else "" for at in range(1, len(found) + 1)]
    return [
        f"{name}{part}: {text}"
        for part, now, before in zip(parts, found, golden, strict=True)
        for text in differences(now, before)
    ]


def read() -> dict[str, Entry]:
    """The golden entries, by use."""
    found: dict[str, Entry] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def write(entries: dict[str, Entry]) -> None:
    """The file, sorted, with a line for each image's channel: a review shows which moved."""
    FILE.write_text(_block(dict(sorted(entries.items())), 0) + "\n", encoding="utf-8")


def _block(value: object, depth: int) -> str:
    """JSON with lists of numbers on one line."""
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_block(part, depth + 1)}" for key, part in value.items()]
        return "{" + inner + f",{inner}".join(parts) + outer + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[" + ", ".join(_block(part, depth) for part in value) + "]"
    return json.dumps(value, separators=(",", ":"))
