"""What the benchmark needs to know of a contestant."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import psutil

from benchmarks.workloads import Work, Workload


class Unavailable(Exception):
    """It cannot run here; `str(error)` says why."""


class Running(ABC):
    """A contestant that was started, warm, for one workload."""

    processes: list[psutil.Process]
    """The roots of its processes; their children count too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def prepare(self, work: Work) -> None:
        """Make ready for `run`; not timed."""

    @abstractmethod
    def run(self) -> None:
        """Do the work and return when all results are written; this is timed. Raises when an
        image failed."""

    @abstractmethod
    def close(self) -> None:
        """End all its processes."""


class Contestant(ABC):
    """A way to do the work. Of its `variants` the fastest is reported."""

    name: ClassVar[str]
    title: ClassVar[str]
    variants: ClassVar[tuple[str, ...]] = ("",)
    longer: ClassVar[float] = 1
    """How many times longer it is measured than the others."""

    starts_each_run: ClassVar[bool] = False
    """Whether a run includes its start, which is then told apart."""

    def check(self) -> None:
        """Raises Unavailable. May install what is missing."""
        return

    @abstractmethod
    def start(self, workload: Workload, variant: str) -> Running:
        """Its processes, started."""
