"""From a batch of images to tasks of an engine, and back to one result an image.

A batch has a small window of tasks under way: memory stays flat, and a second batch waits for a
few tasks, not for the batch; a single image has a lane of its own. Small images share a task, so
that the cost of dispatching one disappears. A worker gives large ones back, undone: each is then
admitted by the memory that it takes, and has a task of its own.

A task that crashes is run again image by image, which blames one: an image that ends its worker
both times has had its attempts. One whose worker was killed both times, which may have come from
outside, is set aside for a moment while the batch goes on, and given more attempts only when other
kills in that time are proved to have come from outside (killings.py). A task that was lost with its
pool, as the worker of another was killed, is begun again, and that was no attempt.
"""

import asyncio
import pickle
import secrets
import sys
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Iterable,
    Sequence,
    Sized,
)
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from processors.jobs import Job
from service.engine.admission import Admission, Ticket
from service.engine.base import (
    Deferred,
    Engine,
    EngineClosed,
    EngineError,
    ItemResult,
    Suspected,
    Task,
    TaskTimeout,
    WorkerCrashed,
    WorkItem,
)
from service.engine.grouping import Grouping, groups_of
from service.engine.killings import PATIENCE_SECONDS, Killings
from service.engine.window import Running, Window
from service.storage import Storage

ATTEMPTS_WHEN_KILLED = 4
"""After the second, for an image while workers are killed from outside; else there are none."""

BEGUN_WHEN_LOST = 20
"""Times that a task is begun, at most, when its pool breaks before it is done: then workers cannot
be started, or are killed faster than they do anything, and its images fail."""

_ASIDE = (Deferred, Suspected)
_NOT_DONE = (EngineError, *_ASIDE)

Observe = Callable[[Job, Sequence[ItemResult]], None]


class Dispatcher:
    """Runs batches and single images on an engine. It belongs to no event loop.

    `budget` is the bytes of memory that images under way may be estimated to take. `patience` is
    the seconds that an image which was killed twice waits for proof that it was not at fault.
    """

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        observe: Observe | None = None,
        budget: int = sys.maxsize,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.engine = engine
        self.admission = Admission(budget, engine.workers)
        self._storage = storage
        self._observe = observe
        self._killings = Killings()
        self._patience = patience
        self._under_way: set[Running] = set()
        self.lost = 0
        """Times that a task was lost. A worker that nobody hears of any more may write a moment
        longer, and leave a temporary file."""

    async def run(
        self,
        pipeline: Job,
        items: Iterable[WorkItem],
        owner: str = "",
        stopped: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[ItemResult, None]:
        """One result for each item, as they are done; `items` is read as the window moves.

        An item fails alone, with an error that says why. When the caller stops reading, no
        further task is begun; when `stopped`, whose `items` end then, large images that wait have
        no result, nor has any while the engine can run nothing. `owner` begins the tokens of its
        tasks. Raises EngineClosed.
        """
        await self._start()
        packed = pickle.dumps(pipeline)
        remaining = len(items) if isinstance(items, Sized) else None
        grouping = Grouping(self.engine.workers, remaining, self.engine.task_milliseconds)
        groups = groups_of(iter(items), grouping)
        window = Window(lambda: self.engine.workers)
        try:
            while True:
                if stopped():
                    window.withdraw()
                    if self.engine.status().trouble:  # nothing is done, nobody knows until when
                        window.abandon()
                for group in islice(groups, window.missing):
                    window.add(self._begin(self._run_group(packed, group, owner)), group)
                if not window:
                    return
                pairs = await window.ended()
                done = [pair for pair in pairs if not isinstance(pair[1].error, _ASIDE)]
                grouping.learn(result for _, result in done)
                self._observe_all(pipeline, done)
                for item, result in pairs:
                    if isinstance(result.error, _ASIDE):
                        self._set_aside(packed, item, result.error, owner, window)
                for _, result in done:
                    yield result
        finally:
            window.withdraw()

    async def run_one(self, pipeline: Job, item: WorkItem, urgent: bool = True) -> ItemResult:
        """The result of a single image, which somebody waits for if it is `urgent`.

        Raises EngineClosed.
        """
        await self._start()
        packed = pickle.dumps(pipeline)
        (result,) = await self._run_group(packed, (item,), urgent=urgent)
        while isinstance(result.error, Deferred):
            ticket = self.admission.enter(result.error.weight, urgent=urgent)
            try:
                (result,) = await self._run_large(packed, item, ticket, urgent=urgent)
            finally:
                self.admission.leave(ticket)
        if isinstance(result.error, Suspected):
            (result,) = await self._run_suspect(packed, item, result.error, urgent=urgent)
        self.observe(pipeline, [result])
        return result

    async def _start(self) -> None:
        # Not in every request: the threads may be busy with plans.
        if not self.engine.status().running:
            await asyncio.to_thread(self.engine.start)

    def observe(self, pipeline: Job, results: Sequence[ItemResult]) -> None:
        """Tell who counts images about some that have ended."""
        if self._observe is not None:
            self._observe(pipeline, results)

    def _observe_all(self, pipeline: Job, done: Sequence[tuple[WorkItem, ItemResult]]) -> None:
        self.observe(pipeline, [result for item, result in done if item.pipeline is None])
        for item, result in done:
            if item.pipeline is not None:
                self.observe(_unpacked(item.pipeline), [result])

    def _begin(self, work: Coroutine[Any, Any, list[ItemResult]]) -> Running:
        # Held here too: a batch that nobody reads any more lets its last tasks end in peace.
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return task

    def _set_aside(
        self,
        pipeline: bytes,
        item: WorkItem,
        reason: Deferred | Suspected,
        owner: str,
        window: Window,
    ) -> None:
        if isinstance(reason, Suspected):
            again = self._run_suspect(pipeline, item, reason, owner)
            window.set_aside(self._begin(again), item)
            return
        ticket = self.admission.enter(reason.weight)
        task = self._begin(self._run_large(pipeline, item, ticket, owner))
        # A task that is cancelled before it begins runs none of its own code.
        task.add_done_callback(lambda _: self.admission.leave(ticket))
        window.set_aside(task, item, ticket)

    async def _run_large(
        self, pipeline: bytes, item: WorkItem, ticket: Ticket, owner: str = "", urgent: bool = False
    ) -> list[ItemResult]:
        await asyncio.wrap_future(ticket.admitted)
        admitted = replace(item, admitted=ticket.weight)
        (result,) = await self._run_group(pipeline, (admitted,), owner, urgent)
        if isinstance(result.error, Suspected):  # it keeps what it was admitted with
            return await self._run_suspect(pipeline, admitted, result.error, owner, urgent)
        return [result]

    def _forget(self, task: Running) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # when nobody reads the batch any more, asyncio would log it as lost

    async def _run_group(
        self, pipeline: bytes, group: Sequence[WorkItem], owner: str = "", urgent: bool = False
    ) -> list[ItemResult]:
        killed = False
        at = None
        try:
            return await self._attempt(pipeline, group, owner, urgent)
        except TaskTimeout as error:
            if len(group) == 1:
                return [ItemResult(group[0].index, error=error)]
        except WorkerCrashed as error:
            lost = error.exit_code is None
            if lost or (len(group) == 1 and not group[0].repeatable):
                return [ItemResult(item.index, error=error) for item in group]
            killed = error.from_outside
            at = error.position
        results = [
            await self._attempt_alone(pipeline, item, owner, urgent, again=position != at)
            for position, item in enumerate(group)
        ]
        if killed and not any(isinstance(one.error, _NOT_DONE) for one in results):
            self._killings.proved()
        return results

    async def _attempt_alone(
        self, pipeline: bytes, item: WorkItem, owner: str, urgent: bool, again: bool = False
    ) -> ItemResult:
        """`again`: it was not at the image before, and may be killed at it once more."""
        try:
            return (await self._attempt(pipeline, (item,), owner, urgent))[0]
        except TaskTimeout as error:
            return ItemResult(item.index, error=error)
        except WorkerCrashed as error:
            if not item.repeatable or not error.from_outside:
                return ItemResult(item.index, error=error)
            if not again:
                return ItemResult(item.index, error=Suspected(error))
        return await self._attempt_alone(pipeline, item, owner, urgent)

    async def _run_suspect(
        self,
        pipeline: bytes,
        item: WorkItem,
        reason: Suspected,
        owner: str = "",
        urgent: bool = False,
    ) -> list[ItemResult]:
        # Somebody waits for a single image, and would rather be told.
        patience = 0.0 if urgent else self._patience
        result = ItemResult(item.index, error=reason)
        for _ in range(ATTEMPTS_WHEN_KILLED):
            if not isinstance(result.error, Suspected):
                break
            if not await self._killings.happen(patience):
                break
            result = await self._attempt_alone(pipeline, item, owner, urgent)
        if isinstance(result.error, Suspected):
            return [replace(result, error=result.error.crash)]
        if not isinstance(result.error, _NOT_DONE):
            self._killings.proved()
        return [result]

    async def _attempt(
        self, pipeline: bytes, group: Sequence[WorkItem], owner: str, urgent: bool
    ) -> list[ItemResult]:
        for _ in range(BEGUN_WHEN_LOST - 1):
            try:
                return await self._begin_task(pipeline, group, owner, urgent)
            except WorkerCrashed as error:
                if error.exit_code is not None:
                    raise
                self.lost += 1
                if not all(item.repeatable for item in group):
                    raise
        return await self._begin_task(pipeline, group, owner, urgent)

    async def _begin_task(
        self, pipeline: bytes, group: Sequence[WorkItem], owner: str, urgent: bool
    ) -> list[ItemResult]:
        task = Task(owner + secrets.token_hex(8), pipeline, tuple(group), urgent)
        try:
            return await asyncio.wrap_future(self.engine.submit(task))
        except (WorkerCrashed, TaskTimeout, EngineClosed):
            await asyncio.to_thread(self._clean, task)
            raise

    def clear(self, paths: Iterable[str], owner: str) -> None:
        """Remove what tasks of `owner` left beside `paths` when a server was killed. Blocks."""
        for path in paths:
            self._storage.discard_partials(path, owner)

    def _clean(self, task: Task) -> None:
        for item in task.items:
            item.sink.discard_partial(self._storage, task.token)


@lru_cache(64)
def _unpacked(pipeline: bytes) -> Job:
    job: Job = pickle.loads(pipeline)  # made by this service
    return job
