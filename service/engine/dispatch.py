"""From a batch of images to tasks of an engine, and back to one result an image.

A batch has a small window of tasks under way: memory stays flat, and a second batch waits for a
few tasks, not for the batch; a single image has a lane of its own. Small images share a task, so
that the cost of dispatching one disappears.

A task that crashes is run again image by image, which blames one: an image that ends its worker
both times has had its attempts. One whose worker was killed, which may have come from outside, has
one more. Then it is set aside for a moment, and given more attempts only when other kills in that
time are proved to have come from outside (killings.py).
"""

import asyncio
import pickle
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice

from processors.jobs import Job
from service.engine.base import (
    Engine,
    EngineClosed,
    EngineError,
    ItemResult,
    Task,
    TaskTimeout,
    WorkerCrashed,
    WorkItem,
)
from service.engine.killings import PATIENCE_SECONDS, Killings
from service.storage import Storage

TASKS_A_WORKER = 2
"""Under way for one batch: one that runs, and one that waits so that the worker does not."""

TASK_MILLISECONDS = 120.0
"""A group of images is sized to take about this long: handing a task out costs a millisecond."""

ATTEMPTS_WHEN_KILLED = 5
"""After the first, for an image while workers are killed from outside; else it is one."""

MAX_GROUP = 256
_SMOOTHING = 0.2
_LEAST_AT_END = 4


Observe = Callable[[Job, Sequence[ItemResult]], None]


class Grouping:
    """How many images the next task of a batch has, learnt from how long the last ones took.

    Near the end of a batch groups get smaller, so that all workers end at about the same time.
    `workers` is how many there are, `remaining` how many images are left, if that is known.
    """

    def __init__(self, workers: int = 1, remaining: int | None = None) -> None:
        self._milliseconds: float | None = None
        self._workers = workers
        self._remaining = remaining

    @property
    def size(self) -> int:
        if self._milliseconds is None:
            return 1
        usual = min(MAX_GROUP, int(TASK_MILLISECONDS / self._milliseconds))
        if self._remaining is not None:
            usual = min(usual, max(_LEAST_AT_END, self._remaining // (2 * self._workers)))
        return max(1, usual)

    def took(self, count: int) -> None:
        """Note that a group of `count` was made."""
        if self._remaining is not None:
            self._remaining -= count

    def learn(self, results: Iterable[ItemResult]) -> None:
        for result in results:
            if result.timings is not None:
                taken = max(result.timings.total, 0.01)
                before = taken if self._milliseconds is None else self._milliseconds
                self._milliseconds = before + _SMOOTHING * (taken - before)


class Dispatcher:
    """Runs batches and single images on an engine. It belongs to no event loop."""

    def __init__(self, engine: Engine, storage: Storage, observe: Observe | None = None) -> None:
        self.engine = engine
        self._storage = storage
        self._observe = observe
        self._killings = Killings()
        self._under_way: set[asyncio.Task[list[ItemResult]]] = set()

    async def run(
        self, pipeline: Job, items: Iterable[WorkItem], owner: str = ""
    ) -> AsyncGenerator[ItemResult, None]:
        """One result for each item, as they are done; `items` is read as the window moves.

        An item fails alone, with an error that says why. When the caller stops reading, no
        further task is begun. `owner` begins the tokens of its tasks. Raises EngineClosed.
        """
        await self._start()
        packed = pickle.dumps(pipeline)
        remaining = len(items) if isinstance(items, Sized) else None
        grouping = Grouping(self.engine.workers, remaining)
        groups = _groups(iter(items), grouping)
        running: set[asyncio.Task[list[ItemResult]]] = set()
        while True:
            missing = TASKS_A_WORKER * self.engine.workers - len(running)
            running |= {self._begin(packed, group, owner) for group in islice(groups, missing)}
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                results = task.result()
                grouping.learn(results)
                self.observe(pipeline, results)
                for result in results:
                    yield result

    async def run_one(self, pipeline: Job, item: WorkItem) -> ItemResult:
        """The result of a single image. Raises EngineClosed."""
        await self._start()
        results = await self._run_group(pickle.dumps(pipeline), (item,), urgent=True)
        self.observe(pipeline, results)
        return results[0]

    async def _start(self) -> None:
        # Not in every request: the threads may be busy with plans.
        if not self.engine.status().running:
            await asyncio.to_thread(self.engine.start)

    def observe(self, pipeline: Job, results: Sequence[ItemResult]) -> None:
        """Tell who counts images about some that have ended."""
        if self._observe is not None:
            self._observe(pipeline, results)

    def _begin(
        self, pipeline: bytes, group: Sequence[WorkItem], owner: str
    ) -> asyncio.Task[list[ItemResult]]:
        # Held here too: a batch that nobody reads any more lets its last tasks end in peace.
        task = asyncio.create_task(self._run_group(pipeline, group, owner))
        self._under_way.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[list[ItemResult]]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # when nobody reads the batch any more, asyncio would log it as lost

    async def _run_group(
        self, pipeline: bytes, group: Sequence[WorkItem], owner: str = "", urgent: bool = False
    ) -> list[ItemResult]:
        killed = False
        try:
            return await self._attempt(pipeline, group, owner, urgent)
        except TaskTimeout as error:
            if len(group) == 1:
                return [ItemResult(group[0].index, error=error)]
        except WorkerCrashed as error:
            if len(group) == 1 and not group[0].repeatable:
                return [ItemResult(group[0].index, error=error)]
            killed = error.from_outside
        results = [await self._attempt_again(pipeline, item, owner, urgent) for item in group]
        if killed and not any(isinstance(result.error, EngineError) for result in results):
            self._killings.proved()
        return results

    async def _attempt_again(
        self, pipeline: bytes, item: WorkItem, owner: str, urgent: bool
    ) -> ItemResult:
        failure: WorkerCrashed | TaskTimeout
        for number in range(1, ATTEMPTS_WHEN_KILLED + 1):
            try:
                return (await self._attempt(pipeline, (item,), owner, urgent))[0]
            except (WorkerCrashed, TaskTimeout) as error:
                failure = error
            last = number == ATTEMPTS_WHEN_KILLED
            if last or not await self._may_be_innocent(failure, number, urgent):
                break
        return ItemResult(item.index, error=failure)

    async def _may_be_innocent(self, failure: EngineError, number: int, urgent: bool) -> bool:
        if not isinstance(failure, WorkerCrashed) or not failure.from_outside:
            return False
        if number == 1:
            return True
        # Somebody waits for a single image, and would rather be told.
        return await self._killings.happen(0.0 if urgent else PATIENCE_SECONDS)

    async def _attempt(
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


def _groups(items: Iterator[WorkItem], grouping: Grouping) -> Iterator[list[WorkItem]]:
    """The items in groups of the size that `grouping` says by then.

    An item that must not be done twice is in a group of its own.
    """
    group: list[WorkItem] = []
    for item in items:
        if not item.repeatable:
            yield from filter(None, (group, [item]))
            grouping.took(len(group) + 1)
            group = []
            continue
        group.append(item)
        if len(group) >= grouping.size:
            grouping.took(len(group))
            yield group
            group = []
    if group:
        yield group
