"""What a Dask worker runs: `dask worker SCHEDULER --preload service.engine.dask_worker`.

The Dask worker does no image work itself. It has process pools of ours, as a single server has:
an image that crashes, hangs or takes too much memory costs a process of such a pool, never the
Dask worker, whose tasks Dask would begin again elsewhere.
"""

import asyncio
import multiprocessing
import pickle
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

from distributed import Worker, WorkerPlugin
from distributed.threadpoolexecutor import ThreadPoolExecutor

from service.engine.base import EngineClosed, EngineError, Task, TaskTimeout, WorkerCrashed
from service.engine.dask_version import fingerprint, versions
from service.engine.lane import start_forkserver
from service.engine.local import LocalEngine
from service.engine.task_future import Results
from service.engine.worker import WorkerConfig

NAME = "darkroom"
"""Of what a Dask worker has of ours: its plugin, its threads, and what it tells of itself."""

LEAVE = "darkroom_leave"
"""The message of a server that is closed."""

_GONE_REMEMBERED = 64
_MOST_POOLS = 4
"""Of servers whose settings differ; more are kept only while they work."""


def batch_resource(found: Mapping[str, str]) -> str:
    """What a task of a batch takes one of: a worker has as many as threads."""
    return f"darkroom-batch-{fingerprint(found)}"


def urgent_resource(found: Mapping[str, str]) -> str:
    """What an urgent task takes one of: as many again."""
    return f"darkroom-urgent-{fingerprint(found)}"


def process_resource(process: str) -> str:
    """What only this process has: a task that asks for it is never begun again in another."""
    return f"darkroom-process-{process}"


@dataclass(frozen=True)
class PoolConfig:
    """What a pool is made from: the settings of the server. `timeout` is that of a task, in s."""

    config: WorkerConfig
    timeout: float


@dataclass
class _Pool:
    engine: LocalEngine
    servers: set[str] = field(default_factory=set)
    busy: int = 0


class Pools:
    """A pool of `processes` for each configuration. Its methods may be called from any thread."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._lock = threading.Lock()
        self._pools: dict[bytes, _Pool] = {}
        self._begun: dict[str, Future[Results] | None] = {}
        self._cancelled: set[str] = set()
        self._gone: deque[str] = deque(maxlen=_GONE_REMEMBERED)

    def run(self, task: Task, config: bytes, server: str) -> Results | EngineError:
        """The results of a task of `server`, or why it did not end, as in Engine.submit.

        `config` is a pickled PoolConfig. A task that was cancelled, or whose pool was closed, is
        lost: WorkerCrashed without an exit code.
        """
        if server in self._gone:
            return WorkerCrashed()  # or its last task would make a pool that nobody closes
        pool = self._enter(config, server)
        try:
            return self._outcome(pool.engine, task)
        except (WorkerCrashed, TaskTimeout) as error:
            return error.with_traceback(None)
        except (EngineClosed, CancelledError):
            return WorkerCrashed()
        finally:
            with self._lock:
                pool.busy -= 1
                self._begun.pop(task.token, None)
                self._cancelled.discard(task.token)

    def expect(self, token: str) -> None:
        """A thread is about to run this task."""
        with self._lock:
            self._begun[token] = None

    def cancel(self, token: str) -> None:
        """Stop the process that runs this task, now or as soon as it is begun."""
        with self._lock:
            if token not in self._begun:
                return  # it has just ended
            self._cancelled.add(token)
            future = self._begun[token]
        if future is not None:
            future.cancel()

    def leave(self, server: str) -> None:
        """Close the pools that no other server has used. Waits for their processes to end."""
        self._gone.append(server)
        with self._lock:
            for pool in self._pools.values():
                pool.servers.discard(server)
            left = [config for config, pool in self._pools.items() if not pool.servers]
            pools = [self._pools.pop(config) for config in left]
        for pool in pools:
            pool.engine.close(0)

    def close(self) -> None:
        """Close all pools, and wait for their processes to end."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.engine.close(0)

    def _enter(self, config: bytes, server: str) -> _Pool:
        with self._lock:
            pool = self._pools.pop(config, None) or self._new_pool(config)
            self._pools[config] = pool  # the one that was used last is the last one
            pool.servers.add(server)
            pool.busy += 1
            idle = [key for key, other in self._pools.items() if not other.busy]
            spare = [self._pools.pop(key) for key in idle[: max(0, len(self._pools) - _MOST_POOLS)]]
        for old in spare:
            old.engine.close(0)
        return pool

    def _new_pool(self, config: bytes) -> _Pool:
        made: PoolConfig = pickle.loads(config)  # by a server of this cluster
        return _Pool(LocalEngine(made.config, self._processes, made.timeout))

    def _outcome(self, engine: LocalEngine, task: Task) -> Results:
        future = engine.submit(task)
        with self._lock:
            self._begun[task.token] = future
            cancelled = task.token in self._cancelled
        if cancelled:
            future.cancel()
        return future.result()


class _State:
    """`pools` is there from dask_setup to dask_teardown: a process has one Dask worker."""

    pools: Pools | None = None


def run(task: Task, config: bytes, server: str) -> Results | EngineError:
    """What a Dask task does; see Pools.run."""
    return WorkerCrashed() if _State.pools is None else _State.pools.run(task, config, server)


class Watcher(WorkerPlugin):
    """Gives urgent tasks threads of their own, and stops what nobody waits for any more."""

    name = NAME

    def __init__(self, worker: Worker, pools: Pools) -> None:
        self._worker = worker
        self._pools = pools
        self._threads = 2 * worker.state.nthreads

    def transition(self, key: object, start: str, finish: str, **_: Any) -> None:
        # Not before: the scheduler was told of the worker's threads when it registered, and is to
        # give it work for these; that no more batches' tasks run than these, the resource sees to.
        self._worker.state.nthreads = self._threads
        if not isinstance(key, tuple):
            return
        if finish == "executing":
            self._pools.expect(key[-1])
        elif (start, finish) == ("executing", "released"):
            # Dask itself waits for its end, without telling anybody.
            self._pools.cancel(key[-1])


async def dask_setup(worker: Worker) -> None:
    """Dask calls it before the worker registers with the scheduler."""
    # A Dask worker that a nanny started is a daemon, and may have no children. It ends ours.
    multiprocessing.process.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    await asyncio.to_thread(start_forkserver)  # so that the first image need not wait for it
    processes, process = worker.state.nthreads, secrets.token_hex(8)
    pools = _State.pools = Pools(processes)
    mine = versions()
    for name, count in (
        (batch_resource(mine), processes),
        (urgent_resource(mine), processes),
        (process_resource(process), 2 * processes),
    ):
        worker.state.total_resources[name] = worker.state.available_resources[name] = count
    told = {"versions": dict(mine), "process": process, "slots": processes}
    worker.startup_information[NAME] = lambda _: told
    worker.executors[NAME] = ThreadPoolExecutor(2 * processes, thread_name_prefix="Darkroom")
    worker.handlers[LEAVE] = _leave
    for name in ("profile", "profile-cycle"):  # of threads, a hundred times a second: ours wait
        worker.periodic_callbacks.pop(name, None)
    await worker.plugin_add(plugin=Watcher(worker, pools), name=NAME)


async def dask_teardown(worker: Worker) -> None:
    """Dask calls it when the worker closes."""
    pools, _State.pools = _State.pools, None
    if pools is not None:
        await asyncio.to_thread(pools.close)


async def _leave(server: str) -> None:
    if _State.pools is not None:
        await asyncio.to_thread(_State.pools.leave, server)
