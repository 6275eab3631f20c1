"""Running a batch: from pairs of paths to results, without a store."""

import os.path
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

from processors.errors import ImageError
from processors.plan import Pipeline
from schemas.batches import Counts, ImagePair
from schemas.results import Status
from service.engine.base import ItemResult, WorkItem
from service.engine.dispatch import Dispatcher
from service.storage import SinkTaken, StorageError
from service.transfer import FileSink, FileSource


@dataclass(frozen=True)
class Batch:
    """A pipeline and the images that it is to be run on."""

    pipeline: Pipeline
    images: list[ImagePair]


async def run_batch(dispatcher: Dispatcher, batch: Batch) -> AsyncGenerator[ItemResult, None]:
    """One result for each image, as they are done. Raises EngineClosed."""
    base = str(Path.cwd())
    outputs = [_spelt_out(image.output, base) for image in batch.images]
    taken = _named_before(outputs)
    for index in taken:
        path = batch.images[index].output
        error = SinkTaken(f"{path} is the output of an earlier image of this batch, too")
        result = ItemResult(index, error=error)
        dispatcher.observe(batch.pipeline, [result])
        yield result
    items = _WorkItems(batch.images, frozenset(outputs), frozenset(taken), base)
    async for result in dispatcher.run(batch.pipeline, items):
        yield result


def status_of(result: ItemResult, pipeline: Pipeline) -> Status:
    """succeeded, failed, or skipped: an input that `on_invalid: "skip"` passes over."""
    if result.error is None:
        return "succeeded"
    unreadable = isinstance(result.error, ImageError | StorageError)
    return "skipped" if unreadable and pipeline.on_invalid == "skip" else "failed"


def counts_of(statuses: Counter[Status]) -> Counts:
    """The counts of a batch, from how often each status was seen."""
    return Counts.model_validate({"total": statuses.total(), **statuses})


def _spelt_out(path: str, base: str) -> str:
    """Alike for the spellings of one path; links are not followed, which would need the disk."""
    whole = path if path.startswith("/") else f"{base}/{path}"
    # Most paths are plain, and this runs for each of a hundred thousand before the first is done.
    return os.path.normpath(whole) if "/." in whole or "//" in whole else whole


def _named_before(outputs: list[str]) -> list[int]:
    """The indexes of the outputs that an earlier image has."""
    seen: set[str] = set()
    taken: list[int] = []
    for index, path in enumerate(outputs):
        if path in seen:
            taken.append(index)
        seen.add(path)
    return taken


@dataclass(frozen=True)
class _WorkItems:
    """The images of a batch as work items, made as they are read."""

    images: list[ImagePair]
    outputs: frozenset[str]
    taken: frozenset[int]
    base: str

    def __len__(self) -> int:
        return len(self.images) - len(self.taken)

    def __iter__(self) -> Iterator[WorkItem]:
        for index, image in enumerate(self.images):
            if index not in self.taken:
                repeatable = _spelt_out(image.input, self.base) not in self.outputs
                yield WorkItem(index, FileSource(image.input), FileSink(image.output), repeatable)
