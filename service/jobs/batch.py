"""Running a batch: from pairs of paths to results, without a store."""

import asyncio
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
from service.storage import MAX_DEPTH, SinkTaken, StorageError
from service.transfer import FileSink, FileSource


@dataclass(frozen=True)
class Batch:
    """A pipeline and the images that it is to be run on."""

    pipeline: Pipeline
    images: list[ImagePair]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Indexes of images that are not like the others.

    `taken`: their output is that of an earlier image; `once`: their input is an output of the
    batch, so that doing them twice differs from doing them once.
    """

    taken: list[int]
    once: list[int]


def conflicts(batch: Batch) -> Conflicts:
    """Find them. It reads the disk: not for the event loop."""
    places = _Places()
    outputs = [places.of(image.output) for image in batch.images]
    written = frozenset(outputs)
    inputs = (places.of(image.input) for image in batch.images)
    once = [index for index, path in enumerate(inputs) if path in written]
    return Conflicts(_named_before(outputs), once)


def taken_error(path: str) -> SinkTaken:
    return SinkTaken(f"{path} is the output of an earlier image of this batch, too")


async def run_batch(dispatcher: Dispatcher, batch: Batch) -> AsyncGenerator[ItemResult, None]:
    """One result for each image, as they are done. Raises EngineClosed."""
    found = await asyncio.to_thread(conflicts, batch)
    for index in found.taken:
        result = ItemResult(index, error=taken_error(batch.images[index].output))
        dispatcher.observe(batch.pipeline, [result])
        yield result
    items = _WorkItems(batch.images, frozenset(found.taken), frozenset(found.once))
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


class _Places:
    """Where files lie, alike for the spellings of one path.

    Links are followed in folders, each of which is looked up once, not where the file itself is
    one: this runs for each of a hundred thousand images before the first is done.
    """

    def __init__(self) -> None:
        self._base = str(Path.cwd())
        self._folders: dict[str, str] = {}

    def of(self, path: str) -> str:
        whole = path if path.startswith("/") else f"{self._base}/{path}"
        folder, _, name = whole.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = _real_folder(folder)
        return f"{self._folders[folder]}/{name}"


def _real_folder(folder: str) -> str:
    if folder.count("/") > MAX_DEPTH:  # what it leads to is not opened
        return folder
    try:
        return os.path.realpath(folder or "/")
    except ValueError:  # no path at all, as the image will be told
        return folder


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
    taken: frozenset[int]
    once: frozenset[int]

    def __len__(self) -> int:
        return len(self.images) - len(self.taken)

    def __iter__(self) -> Iterator[WorkItem]:
        for index, image in enumerate(self.images):
            if index not in self.taken:
                repeatable = index not in self.once
                yield WorkItem(index, FileSource(image.input), FileSink(image.output), repeatable)
