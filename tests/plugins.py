"""Operations and sinks that behave badly, for tests of engines.

Workers import this module to unpickle them.
"""

import ctypes
import gc
import itertools
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors.operation import Image, Operation
from service.engine.channel_lock import ChannelLock
from service.storage import Storage
from service.transfer import FileSink, FileSource, Result

ENTRY = 8
"""Bytes that a Gate writes: the id of its process."""


class Trap(Operation):
    """Goes off on images of a width, or on all."""

    width: int = Field(0, ge=0, description="Width of the images that it is for; 0: all.")

    def apply(self, image: Image) -> Image:
        if self.width in (0, image.shape[1]):
            self.go_off()
        return image.copy()

    def go_off(self) -> None:
        raise NotImplementedError


class Crash(Trap):
    """End the worker's process."""

    op: Literal["test_crash"] = "test_crash"
    example: ClassVar[str] = "test_crash"
    how: Literal["kill", "abort", "segfault", "exit"] = "kill"

    def go_off(self) -> None:
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.how == "abort":
            os.abort()
        elif self.how == "segfault":
            ctypes.string_at(0)
        os._exit(3)


class Unlucky(Trap):
    """Have its worker killed the first `times` times, which a file counts.

    `holding`: while the worker holds the locks of its pool's channel.
    """

    op: Literal["test_unlucky"] = "test_unlucky"
    example: ClassVar[str] = "test_unlucky=width=9,path=log,times=2"
    path: str
    times: int = 1
    holding: bool = False

    def go_off(self) -> None:
        with open(self.path, "ab") as file:  # noqa: PTH123 - as Record
            file.write(b".")
            file.flush()
            if file.tell() <= self.times:
                if self.holding:
                    _hold_locks()
                os.kill(os.getpid(), signal.SIGKILL)


def _hold_locks() -> None:
    for held in gc.get_objects():
        if isinstance(held, ChannelLock):
            held.acquire()


class Leave(Trap):
    """Raise what no `except Exception` catches."""

    op: Literal["test_leave"] = "test_leave"
    example: ClassVar[str] = "test_leave"

    def go_off(self) -> None:
        raise SystemExit(0)


class Hang(Trap):
    """Never end: in Python, in C code that holds the interpreter's lock, or deaf to SIGTERM."""

    op: Literal["test_hang"] = "test_hang"
    example: ClassVar[str] = "test_hang"
    how: Literal["python", "native", "deaf"] = "python"

    def go_off(self) -> None:
        if self.how == "native":
            sum(itertools.repeat(0))
        if self.how == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            pass


class Hoard(Trap):
    """Take memory, and use it."""

    op: Literal["test_hoard"] = "test_hoard"
    example: ClassVar[str] = "test_hoard"
    mebibytes: int = 4096

    def go_off(self) -> None:
        np.ones(self.mebibytes << 20, np.uint8)


class Record(Operation):
    """Note in a file that an image of this width was begun."""

    op: Literal["test_record"] = "test_record"
    example: ClassVar[str] = "test_record=log"
    path: str

    def apply(self, image: Image) -> Image:
        with open(self.path, "a") as file:  # noqa: PTH123 - one write is one line, from any process
            file.write(f"{image.shape[1]}\n")
        return image.copy()


class Gate(Trap):
    """Say that it is there, and wait to be let through: see `tests.workshop.Gatekeeper`."""

    op: Literal["test_gate"] = "test_gate"
    example: ClassVar[str] = "test_gate=entered,leave"
    entered: str
    leave: str

    def go_off(self) -> None:
        with _pipe(self.entered) as entered:
            os.write(entered, os.getpid().to_bytes(ENTRY))
        with _pipe(self.leave) as leave:
            os.read(leave, 1)


@contextmanager
def _pipe(path: str) -> Iterator[int]:
    # Opened both ways, a named pipe waits for nobody.
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Confess(Operation):
    """Fail with what the worker's process is like: its id, OpenCV's threads, its memory limit."""

    op: Literal["test_confess"] = "test_confess"
    example: ClassVar[str] = "test_confess"

    def apply(self, image: Image) -> Image:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        raise self.fail(f"{os.getpid()} {cv2.getNumThreads()} {limit}")


class DyingSink(FileSink):
    """The worker's process ends when the temporary file is written, before it is moved."""

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        return FileSink.write(self, storage, results, token)


class HoardingSource(FileSource):
    """An image that is too much for the worker's memory before any step sees it."""

    def read(self, storage: Storage) -> bytes:
        return bytes(4 << 30)
