"""The contract of an engine: something that runs pipelines over images in other processes.

Only references and pipelines cross this seam, never pixels. An engine knows tasks, which are small
groups of images; the Dispatcher (dispatch.py) makes tasks of a batch, keeps a window of them under
way, and runs a failed group again one by one. It is the same for every engine.
"""

import signal
from abc import ABC, abstractmethod
from concurrent.futures import Future
from dataclasses import dataclass

from processors.errors import StepFailed
from processors.pipeline import Timings
from schemas.results import Output
from service.transfer import Sink, Source


class EngineError(Exception):
    """A task did not end by itself.

    EngineError
    ├── WorkerCrashed     the worker's process ended in the middle of it
    ├── TaskTimeout       it took longer than DARKROOM_TASK_TIMEOUT; its worker was stopped
    ├── EngineClosed      the engine was closed before the task ran
    └── ClusterUnavailable
        ├── ClusterAway   no worker of the cluster can be reached
        └── ClusterDiffers   they can, and run another version of the service
    """


class WorkerCrashed(EngineError):
    """The worker's process ended in the middle of a task.

    Its `exit_code` is None if the task was lost though nothing happened to a worker of its own:
    the pool broke when another was killed. `position` is that of the image in the task that the
    worker was at; None if it was at none.
    """

    def __init__(self, exit_code: int | None = None, position: int | None = None) -> None:
        super().__init__(exit_code, position)
        self.exit_code = exit_code
        self.position = position

    @property
    def from_outside(self) -> bool:
        """Whether somebody killed it: an image at fault ends a process in other ways."""
        return self.exit_code in (-signal.SIGKILL, -signal.SIGTERM)

    def __str__(self) -> str:
        if self.exit_code is None:
            return "the worker process ended while it worked on this image"
        how = f"by signal {-self.exit_code}" if self.exit_code < 0 else f"code {self.exit_code}"
        return f"the worker process ended while it worked on this image (exit {how})"


class TaskTimeout(EngineError):
    """A task took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"the image took longer than {self.seconds:g} s (DARKROOM_TASK_TIMEOUT)"


class EngineClosed(EngineError):
    """The engine was closed before the task ran."""

    def __str__(self) -> str:
        return "the service is shutting down"


class ClusterUnavailable(EngineError):
    """For longer than DARKROOM_ENGINE_PATIENCE there was no worker that could be given the task."""


class ClusterAway(ClusterUnavailable):
    """The scheduler cannot be reached, or has no workers."""


class ClusterDiffers(ClusterUnavailable):
    """The cluster's workers run another version of the service, or have other packages."""


class Deferred(Exception):
    """Nothing was done to an image: it is estimated to take more memory than it was admitted with.

    It never leaves the Dispatcher, which admits the image with `weight` bytes.
    """

    def __init__(self, weight: int) -> None:
        super().__init__(weight)
        self.weight = weight

    def __str__(self) -> str:
        return f"needs {self.weight} bytes of memory, and has to wait for them"


class Suspected(Exception):
    """The worker of an image was killed each of the two times that it was at it.

    It never leaves the Dispatcher, which may try the image again. `crash` is what happened last.
    """

    def __init__(self, crash: WorkerCrashed) -> None:
        super().__init__(crash)
        self.crash = crash


@dataclass(slots=True)
class Known:
    """What is known of an image whose outputs are to be left alone if nothing has changed.

    `recipe` stands for all that is done to it, save what lies at the paths of `resources`.
    `digest`, `outputs`, each with the nanoseconds since 1970 at which its file was modified, and
    the steps that were `skipped` are of when it was done last; empty if it was not.
    """

    recipe: bytes
    resources: tuple[str, ...] = ()
    digest: str = ""
    outputs: tuple[tuple[Output, int], ...] = ()
    skipped: tuple[StepFailed, ...] = ()


@dataclass(slots=True)
class Made:
    """What outputs were made of, and when each was modified; or that they are `unchanged`."""

    digest: str
    modified: tuple[int, ...]
    unchanged: bool = False


@dataclass(slots=True)  # not frozen: it is unpickled for each image, which takes thrice as long
class WorkItem:
    """One image of a batch: its index there, where it is read from, where its results go.

    Not `repeatable`: doing it twice differs from doing it once, as its output is its input.
    `pipeline` is one of its own, in place of the task's. `known` is there where an image whose
    outputs need not be made again is to be left alone.
    `admitted` are the bytes of memory that it may be estimated to take, where it is no small image.
    """

    index: int
    source: Source
    sink: Sink
    repeatable: bool = True
    pipeline: bytes | None = None
    known: Known | None = None
    admitted: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A group of images that one worker does in a row.

    `pipeline` is a pickled Job: a worker that has seen it unpickles and plans nothing anew.
    `token` names the temporary files of the task. One that is `urgent` goes before those that wait
    and are not: somebody waits for this single image.
    """

    token: str
    pipeline: bytes
    items: tuple[WorkItem, ...]
    urgent: bool = False


@dataclass(slots=True)  # not frozen, as WorkItem
class ItemResult:
    """What became of one image. `skipped` are the steps that were left out.

    A failed one has an `error`: a ProcessorError, a StorageError, an EngineError,
    Deferred or Suspected.
    `bytes_in` is the size of the input, where it could be read. `made` is there if the item had
    `known`. `taken` are the milliseconds that it had a worker, reading and writing included.
    """

    index: int
    outputs: tuple[Output, ...] = ()
    error: Exception | None = None
    timings: Timings | None = None
    skipped: tuple[StepFailed, ...] = ()
    bytes_in: int = 0
    made: Made | None = None
    taken: float = 0.0

    @property
    def bytes_out(self) -> int:
        """What was written: nothing for outputs that were left alone."""
        if self.made is not None and self.made.unchanged:
            return 0
        return sum(output.bytes for output in self.outputs)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """For health and metrics: whether it was started and not closed, and counts of now.

    `trouble` is why no task can be run for now, in words; empty where nothing is wrong.
    """

    running: bool
    workers: int
    busy: int
    queued: int
    trouble: str = ""


class Engine(ABC):
    """Runs tasks. Its methods may be called from any thread and with no event loop."""

    task_milliseconds = 120.0
    """About how long a task of several images should take: what it costs to hand one out, some two
    milliseconds, is little beside it."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many tasks run at once, urgent ones aside; at least one. It may change."""

    @abstractmethod
    def start(self) -> None:
        """Start what `submit` needs, and wait for it for a while. Idempotent.

        Raises EngineClosed, and ClusterDiffers.
        """

    @abstractmethod
    def reopen(self) -> None:
        """Let a closed engine be started again, as an application can be. Else it does nothing."""

    @abstractmethod
    def submit(self, task: Task) -> Future[list[ItemResult]]:
        """Queue a task and return at once, save that the first call starts the engine.

        The future gives one result an item, in their order; a fault of an image is a result with
        an error. It raises WorkerCrashed, TaskTimeout or EngineClosed when the task did not end;
        some of its items may have been done. It raises ClusterUnavailable when an urgent task has
        waited too long for a cluster; others wait, save for one that differs. A crash or a timeout
        fails no other task. Cancelling the future drops the task if it waits, and stops its worker
        if it runs, at once or, where it was handed out to another machine, a moment later.
        """

    @abstractmethod
    def status(self) -> EngineStatus:
        """A snapshot; never waits."""

    @abstractmethod
    def close(self, timeout: float) -> None:
        """Let tasks that were handed out finish for `timeout` seconds, then stop all processes.

        Tasks that wait end with EngineClosed, and are not begun. No process that worked for it
        alone is left when it returns. Idempotent.
        """
