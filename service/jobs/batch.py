"""Running a batch: from pairs of paths to results, without a store."""

import os.path
from collections.abc import AsyncIterator, Iterable, Iterator
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


async def run_batch(dispatcher: Dispatcher, batch: Batch) -> AsyncIterator[ItemResult]:
    """One result for each image, as they are done. Raises EngineClosed."""
    taken = _outputs_named_before(batch.images)
    for index, path in taken.items():
        error = SinkTaken(f"{path} is the output of an earlier image of this batch, too")
        yield ItemResult(index, error=error)
    async for result in dispatcher.run(batch.pipeline, _work_items(batch.images, taken)):
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


def _outputs_named_before(images: list[ImagePair]) -> dict[int, str]:
    """The images whose output an earlier one has, by index."""
    seen: set[str] = set()
    taken: dict[int, str] = {}
    for index, image in enumerate(images):
        path = os.path.normpath(image.output)
        if path in seen:
            taken[index] = image.output
        seen.add(path)
    return taken


def _work_items(images: list[ImagePair], taken: Iterable[int]) -> Iterator[WorkItem]:
    left_out = set(taken)
    outputs = {os.path.normpath(image.output) for image in images}
    for index, image in enumerate(images):
        if index not in left_out:
            repeatable = os.path.normpath(image.input) not in outputs
            yield WorkItem(index, FileSource(image.input), FileSink(image.output), repeatable)
