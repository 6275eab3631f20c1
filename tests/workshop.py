"""What tests of engines share: a folder of images, tasks over them, and a gate to hold workers."""

import os
import pickle
import secrets
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2

from processors.limits import Limits
from processors.operation import Operation
from processors.plan import Pipeline
from service.engine.base import Engine, Task, WorkItem
from service.engine.local import LocalEngine
from service.engine.worker import WorkerConfig
from service.storage import Storage
from service.transfer import FileSink, FileSource
from tests.plugins import ENTRY, Gate
from tests.samples import photograph

MEMORY = 1 << 30
PATIENCE = 30.0
"""Seconds after which a test gives up waiting for an event."""


@dataclass(frozen=True)
class Workshop:
    """A folder with images named after their width, and `out/` for results."""

    root: Path

    @property
    def storage(self) -> Storage:
        return Storage([self.root], [self.root / "out"], 1 << 25)

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def config(self) -> WorkerConfig:
        return WorkerConfig(self.storage, Limits(), MEMORY)

    def image(self, width: int = 64) -> str:
        """The path of an image of that width."""
        path = self.root / f"{width}.png"
        if not path.exists():
            cv2.imwrite(str(path), photograph(width, 48, seed=width))
        return str(path)

    def item(self, index: int = 0, width: int = 64, repeatable: bool = True) -> WorkItem:
        output = str(self.out / f"{index}.png")
        return WorkItem(index, FileSource(self.image(width)), FileSink(output), repeatable)

    def task(self, *steps: Operation, items: Sequence[WorkItem] | None = None) -> Task:
        """A task of one image, or of `items`."""
        chosen = (self.item(),) if items is None else tuple(items)
        return Task(secrets.token_hex(8), pickle.dumps(pipeline(*steps)), chosen)

    def leftovers(self) -> list[Path]:
        """Temporary files in the folders of the results."""
        return [path for path in self.out.rglob(".*") if path.is_file()]


def pipeline(*steps: Operation) -> Pipeline:
    return Pipeline(tuple(enumerate(steps)), fidelity="exact")


def make_workshop(root: Path) -> Workshop:
    (root / "out").mkdir(parents=True)
    return Workshop(root)


@contextmanager
def local_engine(workshop: Workshop, workers: int, timeout: float) -> Iterator[Engine]:
    """An engine of processes on this machine."""
    engine = LocalEngine(workshop.config, workers, timeout)
    try:
        yield engine
    finally:
        engine.close(0)


class Gatekeeper:
    """Holds workers at a Gate: it learns of each that comes, and lets them through by number."""

    def __init__(self, folder: Path) -> None:
        names = [str(folder / f"{name}-{secrets.token_hex(4)}") for name in ("entered", "leave")]
        for name in names:
            os.mkfifo(name)
        self._entered, self._leave = (os.open(name, os.O_RDWR) for name in names)
        self._names = names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._entered)
        os.close(self._leave)

    def step(self, width: int = 0) -> Gate:
        return Gate(entered=self._names[0], leave=self._names[1], width=width)

    def wait(self) -> int:
        """Wait for a worker to come; its process id."""
        assert self.comes(PATIENCE), "no worker came to the gate"
        return int.from_bytes(os.read(self._entered, ENTRY))

    def comes(self, seconds: float) -> bool:
        """Whether a worker comes within that time."""
        return bool(select.select([self._entered], [], [], seconds)[0])

    def let(self, count: int) -> None:
        """Let `count` workers through, now or when they come."""
        os.write(self._leave, b"." * count)
