"""The future of a task that waits for a worker, and then runs in Pebble's pool."""

import threading
from concurrent.futures import Future

import pebble

from service.engine import worker
from service.engine.base import ItemResult, Task

Results = list[ItemResult]


class Promise(Future[Results]):
    """The future of a task. Its first outcome counts, whichever threads bring others."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self._outcome = threading.Lock()

    def cancel(self) -> bool:
        if not self._first_outcome():
            return self.cancelled()
        super().cancel()
        self.set_running_or_notify_cancel()
        return True

    def settle(self, results: Results | None = None, error: BaseException | None = None) -> None:
        """The first outcome counts."""
        if not self._first_outcome():
            return
        self.set_running_or_notify_cancel()
        if error is None:
            self.set_result(results or [])
        else:
            self.set_exception(error)

    def _first_outcome(self) -> bool:
        # Never released: whoever takes it decides.
        return self._outcome.acquire(blocking=False)


class TaskFuture(Promise):
    """Pebble's future with our errors, once there is one; cancelling it cancels Pebble's."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.place = 0
        """Where its worker notes how far it is."""
        self.inner: pebble.ProcessFuture[Results] | None = None
        self.pool: pebble.ProcessPool | None = None

    def begin(self, pool: pebble.ProcessPool, timeout: float) -> "pebble.ProcessFuture[Results]":
        """Give the task to `pool`; Pebble's future. Raises RuntimeError when that has ended."""
        # First: Pebble forgets what it is given while it breaks, and who looks for the tasks of a
        # pool that broke is to find this one.
        self.pool = pool
        inner = pool.schedule(worker.run_task, args=(self.task, self.place), timeout=timeout)
        self.inner = inner
        if self.cancelled():
            inner.cancel()  # type: ignore[no-untyped-call]
        return inner

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled and self.inner is not None:
            self.inner.cancel()  # type: ignore[no-untyped-call]
        return cancelled
