"""Uploads and results of a task that goes to another machine, which cannot open files in memory.

What is carried is in the server's memory, the scheduler's, and the worker's meanwhile.
"""

import base64
from dataclasses import dataclass, replace

from service.engine.base import ItemResult, Task, WorkItem
from service.storage import Storage, StorageError
from service.transfer import MemorySink, MemorySource, Result

# What these two do needs none: they know the one file that they work on.
_NO_STORAGE = Storage((), (), 0)


@dataclass(slots=True)
class CarriedSource:
    """An image that comes along, or why it could not be read."""

    content: bytes | StorageError

    def read(self, storage: Storage) -> bytes:
        if isinstance(self.content, StorageError):
            raise self.content
        return self.content


@dataclass(slots=True)
class CarriedSink:
    """Results that go back in place of their paths, in base64. `name` is as in Sink.names."""

    name: str | None = None

    @property
    def names(self) -> tuple[str | None]:
        return (self.name,)

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        return [base64.b64encode(result.data).decode() for result in results]

    def discard_partial(self, storage: Storage, token: str) -> None:
        """Nothing to do: there is no file."""


def is_carried(task: Task) -> bool:
    """Whether any of its items reads or writes the server's memory."""
    return any(
        isinstance(item.source, MemorySource) or isinstance(item.sink, MemorySink)
        for item in task.items
    )


def packed(task: Task) -> Task:
    """The task with the bytes of its uploads. Blocks for a moment."""
    return replace(task, items=tuple(_packed(item) for item in task.items))


def unpacked(task: Task, results: list[ItemResult]) -> list[ItemResult]:
    """Write what came back for the items of `task` to where they want it. Blocks for a moment."""
    return [_written(item, result) for item, result in zip(task.items, results, strict=True)]


def _packed(item: WorkItem) -> WorkItem:
    if isinstance(item.source, MemorySource):
        item = replace(item, source=_loaded(item.source))
    if isinstance(item.sink, MemorySink):
        item = replace(item, sink=CarriedSink(item.sink.name))
    return item


def _loaded(source: MemorySource) -> CarriedSource:
    try:
        return CarriedSource(source.read(_NO_STORAGE))
    except StorageError as error:
        return CarriedSource(error)


def _written(item: WorkItem, result: ItemResult) -> ItemResult:
    if not isinstance(item.sink, MemorySink) or result.error is not None:
        return result
    images = [Result(base64.b64decode(output.path)) for output in result.outputs]
    try:
        paths = item.sink.write(_NO_STORAGE, images, "")
    except StorageError as error:
        return ItemResult(item.index, error=error)
    outputs = zip(result.outputs, paths, strict=True)
    return replace(result, outputs=tuple(replace(output, path=path) for output, path in outputs))
