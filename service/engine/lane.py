"""A pool of processes that can drop what waits, and that is replaced when it breaks."""

import atexit
import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from typing import cast

import pebble

from service.engine import worker
from service.engine.base import (
    EngineClosed,
    EngineError,
    Task,
    TaskTimeout,
    WorkerCrashed,
)
from service.engine.channel_lock import LockingContext
from service.engine.progress import Progress
from service.engine.task_future import Results, TaskFuture

_WATCH_SECONDS = 0.1
"""How often is looked for a pool that broke, or whose channel was broken by a killed worker."""

_PRELOAD = f"{worker.__package__}.preload"
_ROOT = Path(__file__).parents[2]


class Lane:
    """Pebble's process pool, with workers that are forked from a server that has OpenCV loaded.

    `timeout` is the seconds that a task may take. Pebble holds no more tasks than processes, and
    `ahead` more: what it has, it cannot give back, so that the others wait here, where they can be
    dropped, and survive a pool that breaks (its workers were killed between two tasks).
    The methods keep to those of Engine.
    """

    def __init__(
        self, config: worker.WorkerConfig, processes: int, ahead: int, timeout: float
    ) -> None:
        self._most = processes + ahead
        self._progress = Progress(self._most)
        self._config = replace(config, progress=self._progress.path)
        self._processes = processes
        self._timeout = timeout
        self._lock = threading.Lock()
        self._pool: pebble.ProcessPool | None = None
        self._started = False
        self._waiting: OrderedDict[TaskFuture, None] = OrderedDict()
        self._running: set[TaskFuture] = set()
        self._closed = threading.Event()
        self._retired: list[threading.Thread] = []

    def start(self) -> None:
        with self._lock:
            self._running_pool()

    def reopen(self) -> None:
        with self._lock:
            if self._closed.is_set():
                self._closed = threading.Event()

    def submit(self, task: Task) -> Future[Results]:
        future = TaskFuture(task)
        with self._lock:
            self._running_pool()
            self._waiting[future] = None
        future.add_done_callback(self._forget)
        self._feed()
        return future

    def load(self) -> tuple[int, int]:
        """How many tasks run, and how many wait."""
        with self._lock:
            busy = min(len(self._running), self._processes)
            return busy, len(self._running) + len(self._waiting) - busy

    @property
    def running(self) -> bool:
        return self._started

    def close(self, timeout: float) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
            self._started = False
            waiting, retired = tuple(self._waiting), tuple(self._retired)
            self._closed.set()
        for future in waiting:
            future.settle(error=EngineClosed())
        if pool is not None:
            _stop(pool, timeout)
            atexit.unregister(self._close_at_exit)
        for thread in retired:
            thread.join()
        self._end_lost_tasks(EngineClosed())

    def _running_pool(self) -> pebble.ProcessPool:
        """The pool, started; to be called with the lock held. Raises EngineClosed."""
        if self._closed.is_set():
            raise EngineClosed
        if self._pool is not None and not self._pool.active:
            self._retire(self._pool)
        if self._pool is None:
            self._pool = self._new_pool()
            self._started = True
        return self._pool

    def _new_pool(self) -> pebble.ProcessPool:
        context = LockingContext()
        start_forkserver()
        pool = pebble.ProcessPool(
            max_workers=self._processes,
            initializer=worker.initialize,
            initargs=(self._config,),
            context=context,  # type: ignore[arg-type]
        )
        assert pool.active  # asking starts the processes
        atexit.unregister(self._close_at_exit)
        atexit.register(self._close_at_exit)
        watched = (pool, context, self._closed)
        threading.Thread(target=self._watch, args=watched, daemon=True).start()
        return pool

    def _retire(self, pool: pebble.ProcessPool) -> None:
        """To be called with the lock held; the next task makes a new pool."""
        if self._pool is not pool:
            return
        self._pool = None
        # Joining a broken pool takes a tenth of a second, which no request should wait for.
        thread = threading.Thread(target=self._end_broken, args=(pool,), daemon=True)
        thread.start()
        self._retired = [old for old in self._retired if old.is_alive()] + [thread]

    def _end_broken(self, pool: pebble.ProcessPool) -> None:
        # The workers first: what one of them writes later, nobody would remove.
        _stop(pool, 0)
        self._end_lost_tasks(WorkerCrashed(), pool)

    def _close_at_exit(self) -> None:
        self.close(0)

    def _watch(
        self, pool: pebble.ProcessPool, context: LockingContext, closed: threading.Event
    ) -> None:
        """Retire the pool when it breaks, also while nobody submits."""
        while not closed.wait(_WATCH_SECONDS):
            if context.broken or not pool.active:
                with self._lock:
                    self._retire(pool)
                return

    def _end_lost_tasks(self, error: EngineError, pool: pebble.ProcessPool | None = None) -> None:
        with self._lock:
            lost = [future for future in self._running if pool in (None, future.pool)]
        for future in lost:
            self._ended(future, error=error)

    def _feed(self) -> None:
        """Give the pool the next tasks, one for each idle worker."""
        while (future := self._next()) is not None:
            try:
                self._begin(future)
            except (RuntimeError, EngineClosed):
                self._leave(future)
                future.settle(error=self._broken())

    def _next(self) -> TaskFuture | None:
        with self._lock:
            if not self._waiting or len(self._running) >= self._most:
                return None
            future, _ = self._waiting.popitem(last=False)
            self._running.add(future)
            future.place = self._progress.take()
        return future

    def _begin(self, future: TaskFuture) -> None:
        """Raises EngineClosed, or RuntimeError when the pool broke or was closed just now."""
        with self._lock:
            pool = self._running_pool()
        inner = future.begin(pool, self._timeout)
        inner.add_done_callback(partial(self._settle, future))

    def _forget(self, future: Future[Results]) -> None:
        with self._lock:
            self._waiting.pop(cast(TaskFuture, future), None)

    def _settle(self, future: TaskFuture, done: Future[Results]) -> None:
        if done.cancelled():
            self._ended(future)
        elif (error := done.exception()) is None:
            self._ended(future, done.result())
        else:
            self._ended(future, error=error)

    def _ended(
        self,
        future: TaskFuture,
        results: Results | None = None,
        error: BaseException | None = None,
    ) -> None:
        position = self._leave(future)
        self._feed()
        future.settle(results, error and self._translated(error, position))

    def _leave(self, future: TaskFuture) -> int | None:
        """Take the future off those that run; the position of the image that its worker was at."""
        with self._lock:
            if future not in self._running:
                return None
            self._running.discard(future)
            return self._progress.give_back(future.place)

    def _translated(self, error: BaseException, position: int | None) -> BaseException:
        if isinstance(error, pebble.ProcessExpired):
            return WorkerCrashed(error.exitcode, position)
        if isinstance(error, FutureTimeout):
            return TaskTimeout(self._timeout)
        return self._broken() if isinstance(error, BrokenProcessPool) else error

    def _broken(self) -> EngineError:
        return EngineClosed() if self._closed.is_set() else WorkerCrashed()


def start_forkserver() -> None:
    """Start what workers are forked from, which then loads what they need. Idempotent."""
    forkserver.set_forkserver_preload([_PRELOAD])
    # It looks for what it preloads in its working directory, which may be any folder.
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), before)))
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _stop(pool: pebble.ProcessPool, timeout: float) -> None:
    """End the pool: what it has begun may take `timeout` seconds."""
    pool.close()  # type: ignore[no-untyped-call]
    try:
        pool.join(timeout)
    except FutureTimeout:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
