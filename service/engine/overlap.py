"""Images of object stores and of the web: read ahead and written behind, while others are made.

A round trip to a store takes longer than many an image, and a worker makes one after the other.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self, TypeVar

from service.engine.base import ItemResult, WorkItem
from service.remote.urls import is_url
from service.storage import Storage
from service.transfer import FileSink, FileSinks, FileSource, Result, Sink

T = TypeVar("T")

_AT_ONCE = 8
"""Reads ahead, and as many writes behind."""

_AHEAD_BYTES = 64 * 1024 * 1024
"""That reads ahead may hold, as far as the sizes of those before tell."""

Paths = Future[list[str]]


@dataclass(slots=True)
class _ReadAhead:
    """A source whose bytes are on their way."""

    data: Future[bytes]

    def read(self, storage: Storage) -> bytes:
        return self.data.result()


@dataclass(slots=True)
class _WrittenBehind:
    """A sink that only begins to write: the paths that it gives are empty."""

    inner: Sink
    overlap: "Overlap"
    position: int

    @property
    def names(self) -> tuple[str | None, ...]:
        return self.inner.names

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        self.overlap.begin_write(self.position, self.inner, results, token)
        return [""] * len(results)

    def discard_partial(self, storage: Storage, token: str) -> None:
        self.inner.discard_partial(storage, token)


class Overlap:
    """The reads and writes of one task; for files of this machine it does nothing."""

    def __init__(self, storage: Storage, items: Sequence[WorkItem]) -> None:
        self._storage = storage
        self._items = items
        self._remote = deque(item for item in items if _reads_url(item))
        self._ahead: deque[Future[bytes]] = deque()
        self._behind: dict[int, Paths] = {}
        self._largest = 0
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def items(self) -> Iterator[WorkItem]:
        """All of the task, one after the other as they are asked for."""
        for position, item in enumerate(self._items):
            if _reads_url(item):
                item = replace(item, source=_ReadAhead(self._next()))
            if item.known is None and _writes_url(item):
                item = replace(item, sink=_WrittenBehind(item.sink, self, position))
            yield item

    def begin_write(self, position: int, sink: Sink, results: list[Result], token: str) -> None:
        """Write the results of the item at `position`; waits while many others are written."""
        waiting = [future for future in self._behind.values() if not future.done()]
        if len(waiting) >= _AT_ONCE:
            waiting[0].exception()
        self._behind[position] = self._begin(sink.write, self._storage, results, token)

    def written(self) -> Iterator[tuple[int, Paths]]:
        """The positions that were written behind, each with its paths once they are there."""
        return iter(self._behind.items())

    def _next(self) -> Future[bytes]:
        """The bytes of the next remote item. Those behind it are on their way, too."""
        self._read_ahead()
        data = self._ahead.popleft()
        if data.exception() is None:
            self._largest = max(self._largest, len(data.result()))
        self._read_ahead()
        return data

    def _read_ahead(self) -> None:
        most = max(1, min(_AT_ONCE, _AHEAD_BYTES // max(1, self._largest)))
        while self._remote and len(self._ahead) < most:
            source = self._remote.popleft().source
            self._ahead.append(self._begin(source.read, self._storage))

    def _begin(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(2 * _AT_ONCE, "transfer")
        try:
            return self._threads.submit(call, *arguments)
        except RuntimeError:  # no thread can be started: then it is done in its turn
            return _ended(call, *arguments)


def _ended(call: Callable[..., T], *arguments: Any) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(call(*arguments))
    except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(error)
    return future


def finished(result: ItemResult, paths: list[str]) -> ItemResult:
    """`result` of an item that was written behind, to `paths`."""
    pairs = zip(result.outputs, paths, strict=True)
    return replace(result, outputs=tuple(replace(output, path=path) for output, path in pairs))


def _reads_url(item: WorkItem) -> bool:
    return isinstance(item.source, FileSource) and is_url(item.source.path)


def _writes_url(item: WorkItem) -> bool:
    files = isinstance(item.sink, FileSink | FileSinks)
    return files and any(is_url(name) for name in item.sink.names if name)
