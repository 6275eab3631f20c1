"""Running one job: from where it is to its end."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from schemas.results import Status
from service.engine.base import EngineClosed, ItemResult, Known, WorkItem
from service.engine.dispatch import Dispatcher
from service.jobs.batch import taken_error
from service.jobs.expansion import BatchImage
from service.jobs.stored import JobWork, expanded, image_from, is_expanded, now, work_of
from service.jobs.unchanged import Unchanged
from service.jobs.walking import Search, SearchStopped
from service.storage import Storage
from service.store.errors import StoreUnavailable
from service.store.jobs import IMAGES_A_CHUNK, JobStore, StoredJob, StoredResult

T = TypeVar("T")

_log = logging.getLogger("darkroom.jobs")

_FLUSH_SECONDS, _FLUSH_RESULTS = 0.2, 256
"""Results that were not stored when the server is killed are worked out again."""

# Threads of its own: a search through many folders holds up other searches, not other jobs.
_LOOKING = ThreadPoolExecutor(2, "looking")
_LOOK_SECONDS = 0.1
"""How soon it is seen that a job was stopped whose search has not begun."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Between attempts to reach a store that is away."""

Render = Callable[[BatchImage, ItemResult, JobWork], tuple[Status, str]]
"""The status of an image, and its result as JSON."""


@dataclass(frozen=True)
class JobImages:
    """What finds the images of a job, `most` at most, and what is known of their outputs."""

    storage: Storage
    most: int
    unchanged: Unchanged


class RunningJob:
    """One job that this process has the lease of."""

    def __init__(
        self,
        job: StoredJob,
        work: JobWork,
        jobs: JobStore,
        dispatcher: Dispatcher,
        render: Render,
        stored: Callable[[str], None],
        images: JobImages,
    ) -> None:
        self.job = job
        self._work = work
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._render = render
        self._stored = stored
        self._images = images
        self._results: list[StoredResult] = []
        self._made: list[tuple[BatchImage, ItemResult]] = []
        self._flushed = time.monotonic()
        self._seq = job.next_seq
        self._owner = f"{job.id}-"
        self._cleared: set[str] = set()
        self.renewed = time.monotonic()
        self.stopped = job.cancelling  # by somebody whose process died before it could
        """Set to give out no more images: those under way are finished and stored."""

    async def run(self) -> bool:
        """Whether all images are done, and not only those that were under way when it stopped.

        Raises LeaseLost, EngineClosed, and BatchRefused for patterns that cannot be expanded.
        """
        if not is_expanded(self.job):
            try:
                await self._expand()
            except SearchStopped:
                return False
        done = set(await self._until_stored(partial(self._jobs.done, self.job.id)))
        for chunk in range(-(-self.job.total // IMAGES_A_CHUNK)):
            if self.stopped:
                return False
            await self._run_chunk(chunk, done)
        return not self.stopped or len(done) == self.job.total

    async def _expand(self) -> None:
        """Raises SearchStopped when the job is stopped before, and BatchRefused."""
        search = Search(lambda: self.stopped)
        looking = _LOOKING.submit(
            expanded, self.job, self._images.storage, self._images.most, search
        )
        future = asyncio.wrap_future(looking)
        while not (await asyncio.wait({future}, timeout=_LOOK_SECONDS))[0]:
            if self.stopped and looking.cancel():  # before its turn came
                raise SearchStopped
        found, request = future.result()
        owner = self.job.owner or ""
        expand = partial(self._jobs.expand, self.job.id, owner, found, request)
        self.job = await self._until_stored(expand)
        self._work = work_of(self.job)

    async def _run_chunk(self, chunk: int, done: set[int]) -> None:
        start = chunk * IMAGES_A_CHUNK
        end = min(start + IMAGES_A_CHUNK, self.job.total)
        if all(index in done for index in range(start, end)):
            return
        pairs = await self._until_stored(partial(self._jobs.images, self.job.id, chunk))
        images = {start + at: image_from(pair) for at, pair in enumerate(pairs)}
        todo = [index for index in images if index not in done]
        for index in todo:
            if index in self._work.taken:
                error = taken_error(images[index].output)
                await self._add(images[index], ItemResult(index, error=error), done)
        lost = self._dispatcher.lost
        if self.job.started_at != self.job.resumed_at:
            await self._clear(images.values())
        todo = [index for index in todo if index not in self._work.taken]
        known = {}
        if self._work.skip_unchanged:
            asked = {index: images[index] for index in todo}
            look = partial(self._images.unchanged.known, self._work.work, asked)
            known = await self._until_stored(look)
        items = _Items(self, images, todo, known)
        run = self._dispatcher.run(
            self._work.work.usual, items, self._owner, stopped=lambda: self.stopped
        )
        async for result in run:
            await self._add(images[result.index], result, done)
        await self._flush()
        if self._dispatcher.lost != lost:
            self._cleared.clear()
            await self._clear(images.values())

    async def _clear(self, images: Iterable[BatchImage]) -> None:
        """Remove what a server that was killed in the middle of this job left behind."""
        outputs = [path for image in images for path in _written(image)]
        folders = {path.rpartition("/")[0]: path for path in outputs}
        new = [path for folder, path in folders.items() if folder not in self._cleared]
        self._cleared |= folders.keys()
        await asyncio.to_thread(self._dispatcher.clear, new, self._owner)

    async def _add(self, image: BatchImage, result: ItemResult, done: set[int]) -> None:
        if isinstance(result.error, EngineClosed):
            raise result.error
        status, content = self._render(image, result, self._work)
        stored = StoredResult(
            self._seq, result.index, status, result.bytes_out, content, result.bytes_in
        )
        self._results.append(stored)
        if result.made is not None:
            self._made.append((image, result))
        self._seq += 1
        done.add(result.index)
        waited = time.monotonic() - self._flushed
        if len(self._results) >= _FLUSH_RESULTS or waited > _FLUSH_SECONDS:
            await self._flush()

    async def _flush(self) -> None:
        results, self._results = self._results, []
        if results:
            owner = self.job.owner or ""
            add = partial(self._jobs.add_results, self.job.id, owner, results)
            await self._until_stored(add)
            self._stored(self.job.id)
        made, self._made = self._made, []
        if made:
            await self._until_stored(partial(self._images.unchanged.note, made))
        self._flushed = time.monotonic()

    async def _until_stored(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `call` gives, however long the store is away; the lease lapses meanwhile.

        Raises StoreUnavailable when the job is stopped, and the lease has lapsed: what was done is
        done again by whoever takes the job.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                if self.stopped and now() > self.job.lease_until:
                    raise
                _log.warning("job %s waits for the store: %s", self.job.id, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _written(image: BatchImage) -> Sequence[str]:
    """Paths in the folders of the outputs: the size, not known yet, is in no folder's name."""
    if not image.open:
        return image.outputs
    return [path.format(width=0, height=0) for path in image.outputs]


class _Items:
    """Work items until the job is stopped."""

    def __init__(
        self,
        running: RunningJob,
        images: dict[int, BatchImage],
        todo: Sequence[int],
        known: dict[int, Known],
    ) -> None:
        self._running = running
        self._images = images
        self._todo = todo
        self._known = known

    def __len__(self) -> int:
        return len(self._todo)

    def __iter__(self) -> Iterator[WorkItem]:
        for index in self._todo:
            if self._running.stopped:
                return
            known = self._known.get(index)
            yield self._running._work.item(index, self._images[index], known)
