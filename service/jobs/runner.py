"""The thread that runs jobs: it claims what waits, renews the leases, and lets go at the end.

It has an event loop of its own, so that jobs go on whatever becomes of the request's.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections import defaultdict, deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Literal

from pydantic import ValidationError

from schemas.jobs import JobState
from service.engine.base import ClusterUnavailable, EngineClosed
from service.engine.dispatch import Dispatcher
from service.jobs.expansion import BatchRefused
from service.jobs.running import JobImages, Render, RunningJob
from service.jobs.stored import now, work_of
from service.jobs.webhooks import Deliveries, WebhookCaller
from service.store.errors import LeaseLost, StoreError, StoreUnavailable
from service.store.jobs import INTERNAL_ERROR, JobStore, StoredJob

_log = logging.getLogger("darkroom.jobs")

LEASE_SECONDS = 4.0
"""How long a job waits when its process has died; it is renewed at a third of it."""

MOST_JOBS = 8
"""That one process runs at once, beside those that somebody waits for; they share the workers."""

_POLL_SECONDS = 0.5
"""How often jobs that other processes submitted or lost are looked for."""

_EXPIRE_SECONDS = 600.0
_SECOND = 1_000_000


_Watched = tuple[str, Literal["changed", "left"]]
"""A job, and what somebody waits for."""


class JobRunner:
    """Runs jobs from `start` to `stop`. Its methods may be called from any thread."""

    def __init__(
        self,
        jobs: JobStore,
        dispatcher: Dispatcher,
        render: Render,
        webhooks: WebhookCaller,
        retention: float,
        images: JobImages,
    ) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._render = render
        self._webhooks = webhooks
        self._retention = retention
        self._images = images
        self._owner = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event
        self._deliveries: Deliveries
        self._stopping = False
        self._hurried = False
        self._running: dict[str, RunningJob] = {}
        self._waiting: deque[StoredJob] = deque()
        self._at_once: set[str] = set()
        self._watched: defaultdict[_Watched, list[Future[None]]] = defaultdict(list)

    def start(self) -> None:
        """Idempotent; a runner that was stopped starts again."""
        with self._lock:
            if self._thread is not None:
                return
            ready = threading.Event()
            self._stopping = False
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._main(ready)), name="jobs", daemon=True
            )
            self._thread.start()
        ready.wait()

    def stop(self, timeout: float) -> None:
        """Finish the images under way, store their results, and let go of the jobs."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping = True
            self.hurry()
            thread.join(timeout)

    def hurry(self) -> None:
        """Look at the store now: a job was submitted, is to be cancelled, or was cancelled."""
        self._hurried = True
        self._look()

    def lease(self, job: StoredJob) -> None:
        """Let a job that is about to be stored be this process's from the beginning."""
        job.state, job.owner = "running", self._owner
        job.started_at = job.resumed_at = moment = now()
        job.lease_until = moment + _lease()

    def take(self, job: StoredJob) -> None:
        """Run a job with the lease of `lease`, whatever else runs: somebody waits for it."""
        self._waiting.append(job)
        self._look()

    def _look(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        self._wake.set()
        self._deliveries.hurry()

    def changed(self, id: str) -> "Future[None]":
        """Done when results of the job are stored next, or its state changes, by this process."""
        return self._watch((id, "changed"))

    def left(self, id: str) -> "Future[None]":
        """Done when this process has ended the job, or lets go of it."""
        return self._watch((id, "left"))

    def _watch(self, what: "_Watched") -> "Future[None]":
        future: Future[None] = Future()
        with self._lock:
            self._watched[what].append(future)
        future.add_done_callback(lambda _: self._forget(what, future))
        return future

    def _forget(self, what: "_Watched", future: "Future[None]") -> None:
        with self._lock:
            watching = self._watched.get(what, [])
            if future in watching:
                watching.remove(future)
            if not watching:
                self._watched.pop(what, None)

    def _tell(self, id: str) -> None:
        self._tell_watching((id, "changed"))

    def _tell_left(self, id: str) -> None:
        self._tell(id)
        self._tell_watching((id, "left"))

    def _tell_watching(self, what: "_Watched") -> None:
        with self._lock:
            watching = self._watched.pop(what, [])
        for future in watching:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    async def _main(self, ready: threading.Event) -> None:
        self._wake = asyncio.Event()
        self._deliveries = Deliveries(self._webhooks, self._jobs)
        self._deliveries.start()
        self._loop = asyncio.get_running_loop()
        ready.set()
        tasks: set[asyncio.Task[None]] = set()
        expire_at = 0.0
        while not self._stopping:
            hurried, self._hurried = self._hurried, False
            self._wake.clear()
            if self._loop.time() >= expire_at:
                await self._expire()
                expire_at = self._loop.time() + _EXPIRE_SECONDS
            # Before claiming: a lease that lapsed while the store was away is still ours, if it is.
            await self._look_at_leases(hurried)
            tasks |= {asyncio.create_task(self._run(job)) for job in self._taken()}
            while self._has_room() and (job := await self._claim()) is not None:
                if job.id not in self._running:
                    tasks.add(asyncio.create_task(self._run(job)))
            tasks = {task for task in tasks if not task.done()}
            waker = asyncio.create_task(self._wake.wait())
            await asyncio.wait(
                {waker, *tasks}, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            waker.cancel()
        for running in self._running.values():
            running.stopped = True
        while tasks:
            await self._look_at_leases(False)
            _, tasks = await asyncio.wait(tasks, timeout=_POLL_SECONDS)
        await self._deliveries.stop()

    def _taken(self) -> list[StoredJob]:
        jobs = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._at_once |= {job.id for job in jobs}
        return jobs

    def _has_room(self) -> bool:
        return len(self._running.keys() - self._at_once) < MOST_JOBS

    async def _claim(self) -> StoredJob | None:
        moment = now()
        try:
            return await self._jobs.claim(self._owner, moment, moment + _lease())
        except StoreError as error:
            _log.debug("no jobs can be claimed: %s", error)
            return None

    async def _look_at_leases(self, hurried: bool) -> None:
        for id, running in list(self._running.items()):
            # Not by the clock that leases are in, which may be set back.
            moment = time.monotonic()
            if moment - running.renewed < LEASE_SECONDS / 3 and not hurried:
                continue
            try:
                running.job = await self._jobs.renew(id, self._owner, now() + _lease())
                running.renewed = moment
                running.stopped = running.stopped or running.job.cancelling
            except LeaseLost:
                running.stopped = True
            except StoreUnavailable:
                continue  # it is tried again in a second, and lapses if the store stays away

    async def _expire(self) -> None:
        try:
            await self._jobs.expire(now() - int(self._retention * _SECOND))
            await self._images.unchanged.expire()
        except StoreError as error:
            _log.debug("no jobs can be expired: %s", error)

    async def _run(self, job: StoredJob) -> None:
        try:
            await self._attempt(job)
        except EngineClosed:
            await self._let_go(job)
        except ClusterUnavailable as error:
            _log.warning("job %s waits: %s", job.id, error)
            await self._let_go(job)
        except LeaseLost:
            _log.warning("job %s goes on in another process", job.id)
        except StoreUnavailable as error:
            _log.warning("job %s is left until its lease lapses: %s", job.id, error)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            _log.exception("job %s failed unexpectedly", job.id)
            await self._give_up(job)
        finally:
            self._tell_left(job.id)

    async def _attempt(self, job: StoredJob) -> None:
        """Raises EngineClosed, ClusterUnavailable, LeaseLost and StoreUnavailable."""
        try:
            work = work_of(job)
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"])
            await self._end(job, "failed", f"an operation is not known any more: {reason}")
            return
        if job.started_at != job.resumed_at:
            _log.info("job %s goes on here: %d of %d done", job.id, job.done_before, job.total)
        running = RunningJob(
            job, work, self._jobs, self._dispatcher, self._render, self._tell, self._images
        )
        self._running[job.id] = running
        refused = None
        try:
            whole = await running.run()
        except BatchRefused as error:
            refused = str(error)
        finally:
            # Before the end is stored: the job may be retried, and claimed, right after it.
            del self._running[job.id]
            self._at_once.discard(job.id)
        if refused is not None:
            await self._end(job, "failed", refused)
            return
        if whole:
            await self._end(job, "completed")
        elif running.job.cancelling:
            await self._end(job, "cancelled")
        else:
            await self._jobs.release(job.id, self._owner)

    async def _end(self, job: StoredJob, state: JobState, error: str | None = None) -> None:
        await self._jobs.end(job.id, self._owner, state, now(), error)
        self._tell_left(job.id)
        _log.info("job %s: %s", job.id, state)
        self._deliveries.hurry()

    async def _give_up(self, job: StoredJob) -> None:
        # Left to its lease it would be claimed, and fail so, again and again.
        try:
            await self._end(job, "failed", INTERNAL_ERROR)
        except StoreError as error:
            _log.warning("job %s is left until its lease lapses: %s", job.id, error)

    async def _let_go(self, job: StoredJob) -> None:
        try:
            await self._jobs.release(job.id, self._owner)
        except StoreError as error:
            _log.warning("job %s is left until its lease lapses: %s", job.id, error)


def _lease() -> int:
    return int(LEASE_SECONDS * _SECOND)
