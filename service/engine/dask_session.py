"""What an engine of a cluster does between its start and its close, in a thread of its own."""

import asyncio
import logging
import pickle
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.engine.base import (
    ClusterAway,
    ClusterDiffers,
    EngineClosed,
    EngineError,
    Task,
    WorkerCrashed,
)
from service.engine.dask_carrying import is_carried, packed, unpacked
from service.engine.dask_cluster import Cluster, Lost, Member, Tls
from service.engine.dask_version import versions
from service.engine.dask_worker import batch_resource, process_resource, run, urgent_resource
from service.engine.task_future import Promise, Results

_log = logging.getLogger("darkroom.cluster")

_HANDED_OUT = 2
"""For each slot of the cluster: a task that runs, and one that waits there, so that the slot does
not. The others wait here, where they outlive the scheduler."""

_JOIN_SECONDS = 5.0


class RemotePromise(Promise):
    """`drop` is called when it is cancelled, from whichever thread does it."""

    def __init__(self, task: Task, drop: Callable[["RemotePromise"], None]) -> None:
        super().__init__(task)
        self._drop = drop
        self.since = time.monotonic()

    def cancel(self) -> bool:
        before = self.done()
        cancelled = super().cancel()
        if cancelled and not before:
            self._drop(self)
        return cancelled


@dataclass(frozen=True)
class _Call:
    """Is the results of a task, once a worker unpickles it: it then calls `run` there."""

    task: Task
    config: bytes
    server: str

    def __reduce__(self) -> Any:
        return run, (self.task, self.config, self.server)


@dataclass
class _Lane:
    """The tasks of one kind: those that wait, and those that were handed out."""

    waiting: OrderedDict[RemotePromise, None]
    running: dict[RemotePromise, asyncio.Task[Results]]


class Session:
    """Connects at once. `config` is a pickled PoolConfig, `patience` is as in DaskEngine."""

    def __init__(self, address: str, tls: Tls | None, config: bytes, patience: float) -> None:
        self._config = config
        self._patience = patience
        self._server = secrets.token_hex(8)
        self._lanes = {urgent: _Lane(OrderedDict(), {}) for urgent in (True, False)}
        self._pinned: dict[RemotePromise, str] = {}
        self._cluster = Cluster(address, tls, self._look_again)
        self._news = threading.Condition()
        self._began = time.monotonic()
        self._closing = False
        self._told = False
        self._loop = asyncio.new_event_loop()
        self._staying = self._loop.create_task(self._cluster.stay())
        self._thread = threading.Thread(target=self._work, name="darkroom-cluster", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------- from any thread

    @property
    def slots(self) -> int:
        """Of the cluster, now."""
        return self._cluster.slots

    @property
    def trouble(self) -> str:
        """Why no task can be run for now; empty if one can."""
        return self._cluster.trouble

    def load(self) -> tuple[int, int]:
        """How many tasks were handed out, and how many wait."""
        lanes = self._lanes.values()
        return sum(len(lane.running) for lane in lanes), sum(len(lane.waiting) for lane in lanes)

    def wait(self) -> None:
        """Wait for the cluster, until `patience` seconds after the beginning. Raises EngineClosed,
        and ClusterDiffers; goes on without one that cannot be reached."""
        end = self._began + self._patience
        with self._news:
            self._news.wait_for(
                lambda: self._cluster.members or self._closing, max(0.0, end - time.monotonic())
            )
        if self._closing:
            raise EngineClosed
        if self._cluster.differs:
            raise ClusterDiffers(self._cluster.trouble)
        if self._cluster.trouble and not self._told:
            self._told = True  # /readyz asks every few seconds
            _log.warning("jobs wait for the cluster: %s", self._cluster.trouble)

    def submit(self, task: Task) -> RemotePromise:
        promise = RemotePromise(task, self._drop)
        self._loop.call_soon_threadsafe(self._take, promise)
        return promise

    def close(self, timeout: float) -> None:
        """As Engine.close."""
        asyncio.run_coroutine_threadsafe(self._end(timeout), self._loop).result()
        self._thread.join(_JOIN_SECONDS)

    def _drop(self, promise: RemotePromise) -> None:
        self._loop.call_soon_threadsafe(self._forget, promise)

    # ------------------------------------------------------------------------ in its thread

    def _work(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._stay())

    async def _stay(self) -> None:
        await asyncio.wait([self._staying])

    def _take(self, promise: RemotePromise) -> None:
        if self._closing:
            promise.settle(error=EngineClosed())
        if promise.done():
            return
        self._lanes[promise.task.urgent].waiting[promise] = None
        self._refuse()
        if not self._cluster.members:
            self._loop.call_later(self._patience, self._refuse)
        self._feed()

    def _forget(self, promise: RemotePromise) -> None:
        lane = self._lanes[promise.task.urgent]
        lane.waiting.pop(promise, None)
        if promise in lane.running:
            lane.running[promise].cancel()

    def _feed(self) -> None:
        """Hand out what there is room for."""
        most = _HANDED_OUT * self._cluster.slots
        for lane in self._lanes.values():
            while lane.waiting and len(lane.running) < most and not self._closing:
                promise, _ = lane.waiting.popitem(last=False)
                work = self._loop.create_task(self._results(promise))
                lane.running[promise] = work
                # One that is cancelled before it begins runs none of its own code.
                work.add_done_callback(partial(self._ended, promise))

    def _ended(self, promise: RemotePromise, work: asyncio.Task[Results]) -> None:
        self._pinned.pop(promise, None)
        del self._lanes[promise.task.urgent].running[promise]
        self._feed()
        if work.cancelled():
            promise.settle(error=EngineClosed())  # who cancelled it has settled it already
        elif (error := work.exception()) is not None:
            promise.settle(error=WorkerCrashed() if isinstance(error, Lost) else error)
        else:
            promise.settle(work.result())

    async def _results(self, promise: RemotePromise) -> Results:
        """Raises EngineError, and Lost."""
        task = promise.task
        carried = is_carried(task)
        parcel = await asyncio.to_thread(packed, task) if carried else task
        kind = urgent_resource if task.urgent else batch_resource
        resources = {kind(versions()): 1}
        if not all(item.repeatable for item in task.items):
            member = self._pinned_to()
            self._pinned[promise] = member.process
            resources[process_resource(member.process)] = 1
        key = ("darkroom-urgent" if task.urgent else "darkroom-batch", task.token)
        call = pickle.dumps(_Call(parcel, self._config, self._server))
        found = await self._cluster.run(call, key, resources, task.urgent)
        if isinstance(found, EngineError):
            raise found
        return await asyncio.to_thread(unpacked, task, found) if carried else found

    def _pinned_to(self) -> Member:
        """The worker for a task that Dask must not begin twice. Raises Lost."""
        taken = list(self._pinned.values())
        members = self._cluster.members
        if not members:
            raise Lost
        return min(members, key=lambda member: taken.count(member.process) / member.slots)

    def _look_again(self) -> None:
        """After each look at the cluster."""
        with self._news:
            self._news.notify_all()
        for promise, process in list(self._pinned.items()):
            if process not in self._cluster.processes:
                promise.settle(error=WorkerCrashed())
                self._forget(promise)
        self._refuse()
        self._feed()

    def _refuse(self) -> None:
        """End the tasks that have waited for a cluster long enough."""
        cluster = self._cluster
        long_ago = time.monotonic() - self._patience
        if cluster.members or cluster.away_since > long_ago:
            return
        kind = ClusterDiffers if cluster.differs else ClusterAway
        for promise in self._all():
            # Who sends batches would else send them again at once.
            if promise.task.urgent or (cluster.differs and promise.since < long_ago):
                promise.settle(error=kind(cluster.trouble))
                self._forget(promise)

    def _all(self) -> list[RemotePromise]:
        lanes = self._lanes.values()
        return [promise for lane in lanes for promise in (*lane.waiting, *lane.running)]

    async def _end(self, seconds: float) -> None:
        with self._news:
            self._closing = True
            self._news.notify_all()
        for lane in self._lanes.values():
            for promise in tuple(lane.waiting):
                promise.settle(error=EngineClosed())
            lane.waiting.clear()
        running = [task for lane in self._lanes.values() for task in lane.running.values()]
        if running and seconds:
            await asyncio.wait(running, timeout=seconds)
        for promise in self._all():
            promise.settle(error=EngineClosed())
            self._forget(promise)
        if running:
            await asyncio.wait(running)
        await self._cluster.leave(self._server)
        self._staying.cancel()
