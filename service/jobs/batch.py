"""Running a batch: from pairs of paths to results, without a store."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from processors.errors import ImageError
from processors.plan import Pipeline
from schemas.batches import Counts
from schemas.results import Status
from service.engine.base import ItemResult, Known, WorkItem
from service.engine.dispatch import Dispatcher
from service.jobs.expansion import BatchImage
from service.jobs.places import Places
from service.jobs.work import BatchWork
from service.jobs.written import Written, target_of
from service.storage import SinkTaken, StorageError


@dataclass(frozen=True)
class Batch:
    """Images, and what is to be done to each."""

    work: BatchWork
    images: Sequence[BatchImage]

    @property
    def pipeline(self) -> Pipeline:
        return self.work.pipeline


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Indexes of images that are not like the others.

    `taken`: an output of theirs is that of an earlier image; `once`: their input is, or may be, an
    output of the batch, so that doing them twice differs from doing them once.
    """

    taken: list[int]
    once: list[int]


class ConflictFinder:
    """Finds them while images pass by: of a hundred thousand, only the places are held.

    It reads the disk: not for the event loop.
    """

    def __init__(self) -> None:
        self._places = Places()
        self._written = Written()
        self._taken: list[int] = []
        self._count = 0

    def add(self, image: BatchImage) -> None:
        """The next image."""
        targets = [target_of(self._places, path, image.open) for path in image.outputs]
        if self._written.add(targets):
            self._taken.append(self._count)
        self._count += 1

    def found(self, inputs: Iterable[str]) -> Conflicts:
        """What there is, once all images were added; `inputs` are theirs, in their order."""
        places = map(self._places.of, inputs)
        once = [index for index, place in enumerate(places) if place in self._written]
        return Conflicts(self._taken, once)


def conflicts(images: Sequence[BatchImage]) -> Conflicts:
    """Those of images that are all there. It reads the disk: not for the event loop."""
    finder = ConflictFinder()
    for image in images:
        finder.add(image)
    return finder.found(image.input for image in images)


def taken_error(path: str) -> SinkTaken:
    return SinkTaken(f"{path} is the output of an earlier image of this batch, too")


async def run_batch(
    dispatcher: Dispatcher, batch: Batch, known: Mapping[int, Known] | None = None
) -> AsyncGenerator[ItemResult, None]:
    """One result for each image, as they are done. Raises EngineClosed.

    `known` is what is known of the images that may be left alone, by index.
    """
    found = await asyncio.to_thread(conflicts, batch.images)
    for index in found.taken:
        result = ItemResult(index, error=taken_error(batch.images[index].output))
        dispatcher.observe(batch.work.usual, [result])
        yield result
    items = _WorkItems(batch, frozenset(found.taken), frozenset(found.once), known or {})
    async for result in dispatcher.run(batch.work.usual, items):
        yield result


def status_of(result: ItemResult, pipeline: Pipeline) -> Status:
    """succeeded, failed, or skipped.

    Skipped are inputs that `on_invalid: "skip"` passes over, and what `skip_unchanged` leaves.
    """
    if result.error is None:
        return "skipped" if result.made is not None and result.made.unchanged else "succeeded"
    unreadable = isinstance(result.error, ImageError | StorageError)
    return "skipped" if unreadable and pipeline.on_invalid == "skip" else "failed"


def counts_of(statuses: Counter[Status]) -> Counts:
    """The counts of a batch, from how often each status was seen."""
    return Counts.model_validate({"total": statuses.total(), **statuses})


@dataclass(frozen=True)
class _WorkItems:
    """The images of a batch as work items, made as they are read."""

    batch: Batch
    taken: frozenset[int]
    once: frozenset[int]
    known: Mapping[int, Known]

    def __len__(self) -> int:
        return len(self.batch.images) - len(self.taken)

    def __iter__(self) -> Iterator[WorkItem]:
        for index, image in enumerate(self.batch.images):
            if index not in self.taken:
                repeatable, known = index not in self.once, self.known.get(index)
                yield self.batch.work.item(index, image, repeatable, known)
