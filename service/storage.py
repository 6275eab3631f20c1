"""The images that requests may name: files of this machine, and URLs where a root is one.

Paths are literal, and confined to the roots, as local_files.py says of files, and remote/remotes.py
of URLs.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePath

from service.local_files import MAX_DEPTH, LocalFiles
from service.remote.base import Entry
from service.remote.remotes import RemoteOptions, Remotes
from service.remote.urls import Url, is_url, split_scheme
from service.storage_errors import (
    PathRefused,
    SinkTaken,
    SinkUnwritable,
    SourceNotFound,
    SourceTooLarge,
    SourceUnreadable,
    StorageError,
)

__all__ = [
    "MAX_DEPTH",
    "PathRefused",
    "SinkTaken",
    "SinkUnwritable",
    "SourceNotFound",
    "SourceTooLarge",
    "SourceUnreadable",
    "Storage",
    "StorageError",
    "places",
]


class Storage:
    """The folders and the URLs that requests may name. Picklable.

    Relative paths start at the working directory of the process that made this object, wherever
    the workers that it is sent to were started.
    """

    def __init__(
        self,
        read_roots: Iterable[Path | Url],
        write_roots: Iterable[Path | Url],
        max_bytes: int,
        library: Path | None = None,
        options: RemoteOptions | None = None,
    ) -> None:
        readable, writable = tuple(read_roots), tuple(write_roots)
        self._files = LocalFiles(_folders(readable), _folders(writable), max_bytes, library)
        self._remotes = Remotes(_urls(readable), _urls(writable), max_bytes, options)
        self.base = self._files.base

    def remembering_folders(self) -> AbstractContextManager[None]:
        """Resolve each folder once meanwhile: for the images of one task, a matter of milliseconds.

        The last part of a path is looked at each time all the same.
        """
        return self._files.remembering_folders()

    def resolve_input(self, path: str) -> str:
        """The real path of an input, or its URL in normal form. Raises PathRefused."""
        if is_url(path):
            return str(self._remotes.checked(path, "input"))
        return self._files.resolve_input(path)

    def resolve_folder(self, path: str) -> str:
        """The same of a folder of inputs: a read root, or below one. Raises PathRefused."""
        if is_url(path):
            return str(self._remotes.checked(path, "input", itself=True))
        return self._files.resolve_folder(path)

    def resolve_output(self, path: str) -> str:
        """The same of an output. Raises PathRefused, and SinkUnwritable for no plain file."""
        if is_url(path):
            return str(self._remotes.checked(path, "output"))
        return self._files.resolve_output(path)

    def read(self, path: str, count: int | None = None) -> bytes:
        """The bytes of an input, the first `count` of them if given. Raises a StorageError."""
        if is_url(path):
            return self._remotes.read(path, "input", count)
        return self._files.read(path, count)

    def read_library(self, path: str) -> bytes:
        """The bytes of a file of the library, wherever requests may read. Raises a StorageError."""
        return self._files.read_library(path)

    def read_output(self, path: str, count: int) -> bytes:
        """The bytes of a result of `count` bytes, which a job has written to `path`.

        Raises a StorageError, also when what is there has another length: it was replaced since.
        """
        remote = is_url(path)
        data = self._remotes.read(path, "output") if remote else self._files.read_output(path)
        if len(data) != count:
            raise SourceNotFound(f"{path} has been replaced since it was written")
        return data

    def holds_output(self, path: str, count: int) -> bool:
        """Whether `read_output` would find it; without reading it.

        A store is not asked: a page of many results would wait for as many answers.
        """
        return is_url(path) or self._files.holds_output(path, count)

    def state_of_input(self, path: str) -> tuple[int, int]:
        """Bytes, and a number that changes with the content; (0, 0) for what cannot be found.

        The number of a file is the time of its last change, in nanoseconds since 1970.
        """
        if is_url(path):
            return self._remotes.state(path, "input")
        return self._files.state_of_input(path)

    def state_of_output(self, path: str) -> tuple[int, int]:
        """The same of an output."""
        if is_url(path):
            return self._remotes.state(path, "output")
        return self._files.state_of_output(path)

    def entries(self, folder: str) -> Iterator[Entry]:
        """What is in the folder of a URL, as it is read. Raises StorageErrors, also meanwhile."""
        return self._remotes.entries(folder)

    def tree(self, folder: str) -> Iterator[str] | None:
        """All objects below the folder of a URL, from there on; None where a store tells of one
        folder at a time. Raises as `entries`."""
        return self._remotes.tree(folder)

    def write(self, path: str, results: list[bytes], token: str) -> list[str]:
        """Store `results` at `path`, or several at `stem_1.ext`, `stem_2.ext`, ... beside it.

        Missing folders are created. `token` names the temporary files, for `discard_partials`.
        Gives the paths as the request would have written them. Raises a StorageError; then none
        of the results that failed, and no part of them, is there.
        """
        return self.write_all(zip(places(path, len(results)), results, strict=True), token)

    def write_all(self, files: Iterable[tuple[str, bytes]], token: str) -> list[str]:
        """Store files, each at its path, as `write` does: all of them or none.

        Files are written before the first is moved into place, where it may be what another is
        made from, and objects before that. When one fails, the objects are removed, as far as the
        store still answers, also where they have replaced others.
        """
        found = list(files)
        remote = [(path, data) for path, data in found if is_url(path)]
        local = [(path, data) for path, data in found if not is_url(path)] if remote else found
        with self._files.staged(local, token) as move, self._remotes.uploaded(remote):
            move()
        return [path for path, _ in found]

    def discard_partials(self, path: str, token: str) -> None:
        """Remove the temporary files beside `path` of all tokens that begin with `token`.

        An object has none.
        """
        if not is_url(path):
            self._files.discard_partials(path, token)


def places(path: str, count: int) -> list[str]:
    """Where `count` results go: `path`, or `stem_1.ext` to `stem_{count}.ext` beside it.

    Raises PathRefused.
    """
    if count == 1:
        return [path]
    # A path is put together again by its parts: of a URL, these begin behind the scheme.
    scheme, rest = split_scheme(path)
    pure = PurePath(rest)
    if not pure.name:
        raise PathRefused(f"{path!r:.200} is not a path", "output")
    names = (f"{pure.stem}_{number}{pure.suffix}" for number in range(1, count + 1))
    return [f"{scheme}{pure.with_name(name)}" for name in names]


def _folders(roots: Iterable[Path | Url]) -> list[Path]:
    return [root for root in roots if not isinstance(root, Url)]


def _urls(roots: Iterable[Path | Url]) -> list[Url]:
    return [root for root in roots if isinstance(root, Url)]
