"""The engine of one machine: two lanes of processes."""

from concurrent.futures import Future
from dataclasses import replace

from service.engine.base import Engine, EngineStatus, ItemResult, Task
from service.engine.lane import Lane
from service.engine.worker import WorkerConfig

_AHEAD = 1
"""Tasks of batches that are handed out before a worker is free: one that had to wait for its next
task would lose two milliseconds each time. One does for all, as two seldom end at once."""


_NICENESS = 5
"""Of workers for batches: with all cores busy, a single image takes half as long again, not twice
or thrice as long. Where nothing else runs, a batch loses nothing."""


class LocalEngine(Engine):
    """Workers for batches, and as many again for urgent tasks, started at the first of these.

    Who waits for a single image so shares the processors with a batch, but never waits for a task
    of it to end. `timeout` is the seconds that a task may take.
    """

    def __init__(self, config: WorkerConfig, workers: int, timeout: float) -> None:
        self._workers = workers
        self._batches = Lane(replace(config, niceness=_NICENESS), workers, _AHEAD, timeout)
        self._urgent = Lane(config, workers, 0, timeout)

    @property
    def workers(self) -> int:
        return self._workers

    def start(self) -> None:
        self._batches.start()

    def reopen(self) -> None:
        self._batches.reopen()
        self._urgent.reopen()

    def submit(self, task: Task) -> Future[list[ItemResult]]:
        return (self._urgent if task.urgent else self._batches).submit(task)

    def status(self) -> EngineStatus:
        loads = (self._batches.load(), self._urgent.load())
        busy, queued = (sum(counts) for counts in zip(*loads, strict=True))
        return EngineStatus(self._batches.running, self._workers, busy, queued)

    def close(self, timeout: float) -> None:
        self._urgent.close(timeout)
        self._batches.close(timeout)
