"""The engine of one machine: a pool of processes."""

import atexit
import multiprocessing
import threading
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import cast

import pebble
from pebble.common.types import CONSTS

from service.engine import worker
from service.engine.base import (
    Engine,
    EngineClosed,
    EngineStatus,
    ItemResult,
    Task,
    TaskTimeout,
    WorkerCrashed,
)

# A worker killed while it holds the lock of Pebble's channel leaves it locked, and the others wait
# this long before they end and the pool is renewed. The default of 60 s is longer than clients do.
CONSTS.channel_lock_timeout = 5

Results = list[ItemResult]


class LocalEngine(Engine):
    """Pebble's process pool, with workers that are forked from a server that has OpenCV loaded.

    `timeout` is the seconds that a task may take. A pool that breaks (all workers killed at once)
    is replaced at the next task.
    """

    def __init__(self, config: worker.WorkerConfig, workers: int, timeout: float) -> None:
        self._config = config
        self._workers = workers
        self._timeout = timeout
        self._lock = threading.Lock()
        self._pool: pebble.ProcessPool | None = None
        self._tasks: set[_TaskFuture] = set()
        self._closed = False

    @property
    def workers(self) -> int:
        return self._workers

    def start(self) -> None:
        with self._lock:
            self._running_pool()

    def submit(self, task: Task) -> Future[Results]:
        with self._lock:
            pool = self._running_pool()
            inner = pool.schedule(worker.run_task, args=(task,), timeout=self._timeout)
            future = _TaskFuture(inner)
            self._tasks.add(future)
        future.add_done_callback(self._forget)
        inner.add_done_callback(partial(self._settle, future))
        return future

    def status(self) -> EngineStatus:
        with self._lock:
            pool, tasks = self._pool, tuple(self._tasks)
        busy = sum(future.inner.running() for future in tasks)
        return EngineStatus(pool is not None, self._workers, busy, len(tasks) - busy)

    def close(self, timeout: float) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
            self._closed = True
        if pool is not None:
            _stop(pool, timeout)
            atexit.unregister(self._close_at_exit)
        with self._lock:
            tasks = tuple(self._tasks)
        for future in tasks:
            future.settle(error=EngineClosed())

    def _running_pool(self) -> pebble.ProcessPool:
        """The pool, started; to be called with the lock held. Raises EngineClosed."""
        if self._closed:
            raise EngineClosed
        if self._pool is not None and not self._pool.active:
            # Joining a broken pool takes a tenth of a second, which no request should wait for.
            threading.Thread(target=_stop, args=(self._pool, 0), daemon=True).start()
            self._pool = None
        if self._pool is None:
            self._pool = self._new_pool()
            atexit.register(self._close_at_exit)
        return self._pool

    def _new_pool(self) -> pebble.ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([worker.__name__])
        pool = pebble.ProcessPool(
            max_workers=self._workers,
            initializer=worker.initialize,
            initargs=(self._config,),
            context=context,
        )
        assert pool.active  # asking starts the processes
        return pool

    def _close_at_exit(self) -> None:
        self.close(0)

    def _forget(self, future: Future[Results]) -> None:
        with self._lock:
            self._tasks.discard(cast(_TaskFuture, future))

    def _settle(self, future: "_TaskFuture", done: Future[Results]) -> None:
        if done.cancelled():
            future.settle(error=CancelledError())
            return
        error = done.exception()
        if error is None:
            future.settle(done.result())
        else:
            future.settle(error=self._translated(error))

    def _translated(self, error: BaseException) -> BaseException:
        if isinstance(error, pebble.ProcessExpired):
            return WorkerCrashed(error.exitcode)
        if isinstance(error, FutureTimeout):
            return TaskTimeout(self._timeout)
        if isinstance(error, BrokenProcessPool):
            return EngineClosed() if self._closed else WorkerCrashed()
        return error


class _TaskFuture(Future[Results]):
    """Pebble's future with our errors; cancelling it cancels Pebble's."""

    def __init__(self, inner: "pebble.ProcessFuture[Results]") -> None:
        super().__init__()
        self.inner = inner

    def cancel(self) -> bool:
        return bool(self.inner.cancel()) and super().cancel()  # type: ignore[no-untyped-call]

    def settle(self, results: Results | None = None, error: BaseException | None = None) -> None:
        """The first outcome counts."""
        if self.done() or not self.set_running_or_notify_cancel():
            return
        if error is None:
            self.set_result(results or [])
        else:
            self.set_exception(error)


def _stop(pool: pebble.ProcessPool, timeout: float) -> None:
    """End the pool: what it has begun may take `timeout` seconds."""
    pool.close()  # type: ignore[no-untyped-call]
    try:
        pool.join(timeout)
    except FutureTimeout:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
