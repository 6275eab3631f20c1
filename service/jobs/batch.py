"""Running a batch: from pairs of paths to results, without a store."""

import os.path
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from processors.errors import ImageError
from processors.planner import Pipeline
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
    outputs = [_spelt_out(image.output) for image in batch.images]
    taken = _named_before(outputs)
    for index in taken:
        path = batch.images[index].output
        error = SinkTaken(f"{path} is the output of an earlier image of this batch, too")
        yield ItemResult(index, error=error)
    items = _work_items(batch.images, set(outputs), set(taken))
    async for result in dispatcher.run(batch.pipeline, items):
        yield result


def status_of(result: ItemResult, pipeline: Pipeline) -> Status:
    """succeeded, failed, or skipped: an input that `on_invalid: "skip"` passes over."""
    if result.error is None:
        return "succeeded"
    unreadable = isinstance(result.error, ImageError | StorageError)
    return "skipped" if unreadable and pipeline.on_invalid == "skip" else "failed"


def count(counts: Counts, status: Status) -> None:
    """Add one image to the counts."""
    counts.total += 1
    setattr(counts, status, getattr(counts, status) + 1)


def _spelt_out(path: str) -> str:
    """Alike for the spellings of one path; links are not followed, which would need the disk."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps `..`


def _named_before(outputs: list[str]) -> list[int]:
    """The indexes of the outputs that an earlier image has."""
    seen: set[str] = set()
    taken: list[int] = []
    for index, path in enumerate(outputs):
        if path in seen:
            taken.append(index)
        seen.add(path)
    return taken


def _work_items(images: list[ImagePair], outputs: set[str], taken: set[int]) -> Iterator[WorkItem]:
    for index, image in enumerate(images):
        if index not in taken:
            repeatable = _spelt_out(image.input) not in outputs
            yield WorkItem(index, FileSource(image.input), FileSink(image.output), repeatable)
