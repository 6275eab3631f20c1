"""References to the bytes of an image: they cross process borders, the bytes do not.

They are not frozen: a frozen dataclass with slots takes thrice as long to unpickle.
"""

import base64
import os
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from service.storage import SinkTaken, SinkUnwritable, SourceUnreadable, Storage, places

MAX_INLINE_BYTES = 1024 * 1024


class Result(NamedTuple):
    """The bytes of one result, its size in pixels, and the variant that it belongs to."""

    data: bytes
    width: int = 0
    height: int = 0
    variant: int = 0


class Source(Protocol):
    """Where an image is read from. Picklable."""

    def read(self, storage: Storage) -> bytes:
        """All bytes. Raises a StorageError."""
        ...


class Sink(Protocol):
    """Where results go. Picklable."""

    @property
    def names(self) -> tuple[str | None, ...]:
        """One a variant: its extension decides the format; None when there is none."""
        ...

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        """Store the results and give their paths. Raises a StorageError."""
        ...

    def discard_partial(self, storage: Storage, token: str) -> None:
        """Remove what a killed worker left."""
        ...


@dataclass(slots=True)
class FileSource:
    """A file below the read roots."""

    path: str

    def read(self, storage: Storage) -> bytes:
        return storage.read(self.path)


@dataclass(slots=True)
class LibrarySource:
    """A file of the library."""

    path: str

    def read(self, storage: Storage) -> bytes:
        return storage.read_library(self.path)


@dataclass(slots=True)
class WrittenSource:
    """A result of `count` bytes that a job wrote below the write roots."""

    path: str
    count: int

    def read(self, storage: Storage) -> bytes:
        return storage.read_output(self.path, self.count)


@dataclass(slots=True)
class FileSink:
    """A file below the write roots; several results are numbered."""

    path: str

    @property
    def names(self) -> tuple[str]:
        return (self.path,)

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        return storage.write(self.path, [result.data for result in results], token)

    def discard_partial(self, storage: Storage, token: str) -> None:
        storage.discard_partials(self.path, token)


@dataclass(slots=True)
class FileSinks:
    """Files below the write roots, one a variant; several results of a variant are numbered.

    Where `filled` says so, the paths are templates: {width} and {height} stand for those of the
    variant's first result.
    """

    paths: tuple[str, ...]
    filled: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.paths

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        files: list[tuple[str, bytes]] = []
        for variant, group in groupby(results, lambda result: result.variant):
            found = list(group)
            paths = places(self._path(variant, found[0]), len(found))
            files += zip(paths, (result.data for result in found), strict=True)
        _check_apart(storage, [path for path, _ in files])
        return storage.write_all(files, token)

    def discard_partial(self, storage: Storage, token: str) -> None:
        for variant in range(len(self.paths)):  # the size is in no folder's name
            storage.discard_partials(self._path(variant, Result(b"")), token)

    def _path(self, variant: int, result: Result) -> str:
        path = self.paths[variant]
        return path.format(width=result.width, height=result.height) if self.filled else path


def _check_apart(storage: Storage, paths: list[str]) -> None:
    """Raises SinkTaken when two of `paths` lead to one file, and as resolve_output."""
    seen: set[str] = set()
    for path in paths:
        real = storage.resolve_output(path)
        if real in seen:
            raise SinkTaken(
                f"two results are written to {path}: give each variant a path of its own"
            )
        seen.add(real)


@dataclass(slots=True)
class MemorySource:
    """What a MemoryFile of the server holds: `count` bytes from `offset`, or all."""

    path: str
    offset: int = 0
    count: int = -1

    def read(self, storage: Storage) -> bytes:
        try:
            with Path(self.path).open("rb") as file:
                file.seek(self.offset)
                return file.read(self.count)
        except OSError as error:
            raise SourceUnreadable(f"the request has ended: {error.strerror}") from None


@dataclass(slots=True)
class MemorySink:
    """A MemoryFile of the server, which takes the results one behind the other, from `offset`."""

    path: str
    name: str | None = None
    offset: int = 0

    @property
    def names(self) -> tuple[str | None]:
        return (self.name,)

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        try:
            with Path(self.path).open("r+b") as file:
                file.seek(self.offset)
                file.writelines(result.data for result in results)
        except OSError as error:
            raise SinkUnwritable(f"the request has ended: {error.strerror}") from None
        return [""] * len(results)

    def discard_partial(self, storage: Storage, token: str) -> None:
        """Nothing to do: the file ends with the request."""


@dataclass(slots=True)
class InlineSource:
    """An image so small that it comes along, in base64."""

    content: str

    def read(self, storage: Storage) -> bytes:
        return base64.b64decode(self.content)


@dataclass(slots=True)
class InlineSink:
    """Results so small that they go back in place of their paths, in base64.

    `name` is as in Sink.names.
    """

    name: str | None = None

    @property
    def names(self) -> tuple[str | None]:
        return (self.name,)

    def write(self, storage: Storage, results: list[Result], token: str) -> list[str]:
        if sum(len(result.data) for result in results) > MAX_INLINE_BYTES:
            raise SinkUnwritable(f"the result has more than {MAX_INLINE_BYTES} bytes")
        return [base64.b64encode(result.data).decode() for result in results]

    def discard_partial(self, storage: Storage, token: str) -> None:
        """Nothing to do: there is no file."""


class MemoryFile:
    """A file without a name, in memory, that a worker of the same user opens by `path`.

    It ends with its last descriptor, also when the server is killed. Where the kernel has none
    (outside Linux) it is a temporary file, removed by `close`.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self._descriptor = os.memfd_create("darkroom-transfer", os.MFD_CLOEXEC)
            self.path = f"/proc/{os.getpid()}/fd/{self._descriptor}"
            self._named = False
        else:
            self._descriptor, self.path = tempfile.mkstemp(prefix="darkroom-transfer-")
            self._named = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, data: bytes | bytearray) -> None:
        """Append `data`."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset`."""
        return os.pread(self._descriptor, count, offset)

    def close(self) -> None:
        os.close(self._descriptor)
        if self._named:
            Path(self.path).unlink(missing_ok=True)
