"""What requests may name beyond this machine: URLs below the roots that are URLs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service.remote.base import Entry, ObjectOptions, ObjectStore
from service.remote.urls import Url, parse, shown
from service.storage_errors import Side, StorageError, no_url, outside

if TYPE_CHECKING:
    from service.remote.web import WebSource


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How stores and web servers are waited for.

    `web_seconds` is the time that an image on the web may take; `allow_private` lets it lie at an
    address that is not of the public Internet.
    """

    objects: ObjectOptions = field(default_factory=ObjectOptions)
    web_seconds: float = 20.0
    allow_private: bool = False


class Remotes:
    """URLs of images, confined to the roots. The clients are made once a process, when needed."""

    def __init__(
        self,
        read_roots: Iterable[Url],
        write_roots: Iterable[Url],
        max_bytes: int,
        options: RemoteOptions | None = None,
    ) -> None:
        self._roots: dict[Side, tuple[Url, ...]] = {
            "input": tuple(read_roots),
            "output": tuple(write_roots),
        }
        self._max_bytes = max_bytes
        self._options = options or RemoteOptions()
        self._stores: dict[str, ObjectStore] = {}
        self._web: WebSource | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_stores": {}, "_web": None}  # they belong to their process

    def checked(self, path: str, side: Side, itself: bool = False) -> Url:
        """The URL, in its normal form. It may be a root `itself`. Raises PathRefused."""
        try:
            url = parse(path)
        except ValueError as error:
            raise no_url(shown(path), side, str(error)) from None
        if not any(root.covers(url, itself) for root in self._roots[side]):
            raise outside(shown(path), side)
        return url

    def read(self, path: str, side: Side, count: int | None = None) -> bytes:
        """The bytes of an input, or of what was written. Raises a StorageError."""
        url = self.checked(path, side)
        if url.is_web:
            return self._open_web().read(str(url), self._max_bytes)[:count]
        return self._store(url).read(url, self._max_bytes, count)

    def state(self, path: str, side: Side) -> tuple[int, int]:
        """Bytes, and a number that changes with the content.

        (0, 0) for what is not there, cannot be asked for, or lies on the web.
        """
        try:
            url = self.checked(path, side)
            return (0, 0) if url.is_web else self._store(url).state(url)
        except StorageError:
            return 0, 0

    def entries(self, path: str) -> Iterator[Entry]:
        """What is in a folder, save for names that no URL of ours can have. Raises StorageErrors,
        also while it is read."""
        folder = self.checked(path, "input", itself=True)
        for entry in self._store(folder).entries(folder):
            if _has_url(f"{folder}/{entry.name}"):
                yield entry

    def tree(self, path: str) -> Iterator[str] | None:
        """All objects below a folder, from there on, save for those that no URL of ours can name.

        None where a store tells of one folder at a time. Raises StorageErrors, also while it is
        read.
        """
        folder = self.checked(path, "input", itself=True)
        found = self._store(folder).tree(folder)
        return None if found is None else (key for key in found if _has_url(f"{folder}/{key}"))

    @contextmanager
    def uploaded(self, files: Iterable[tuple[str, bytes]]) -> Iterator[None]:
        """Write objects, and remove those that were written when the block, or one of them, fails.

        What was there before is lost then. Raises a StorageError.
        """
        targets = [(self.checked(path, "output"), data) for path, data in files]
        written: list[Url] = []
        try:
            for url, data in targets:
                self._store(url).write(url, data)
                written.append(url)
            yield
        except BaseException:
            for url in written:
                with suppress(StorageError):
                    self._store(url).remove(url)
            raise

    def _store(self, url: Url) -> ObjectStore:
        assert not url.is_web
        if url.scheme not in self._stores:
            from service.remote.stores import open_store

            # One for all threads that come here at once.
            self._stores.setdefault(url.scheme, open_store(url.scheme, self._options.objects))
        return self._stores[url.scheme]

    def _open_web(self) -> "WebSource":
        if self._web is None:
            from service.remote.web import WebSource

            options = self._options
            self._web = WebSource(self._check_web, options.web_seconds, options.allow_private)
        return self._web

    def _check_web(self, url: str) -> None:
        """Raises PathRefused."""
        self.checked(url, "input")


def _has_url(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
