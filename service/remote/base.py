"""The contract of an object store."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.remote.urls import Url


@dataclass(frozen=True, slots=True)
class ObjectOptions:
    """How long a store is waited for, in seconds, and how often it is asked again.

    `timeout` is for a connection, and for each wait for data; `total_timeout` for an object, or a
    page of a listing, in all. `retries` come on top of the first attempt.
    """

    timeout: float = 5.0
    total_timeout: float = 20.0
    retries: int = 2


class Entry(NamedTuple):
    """What a folder has: an object, or a folder. It answers as os.DirEntry does."""

    name: str
    folder: bool

    def is_dir(self) -> bool:
        return self.folder

    def is_file(self) -> bool:
        return not self.folder

    def is_symlink(self) -> bool:
        return False


class ObjectStore(ABC):
    """Objects by URL. Methods block, may be called from any thread, and raise StorageErrors."""

    @abstractmethod
    def read(self, url: Url, most: int, count: int | None = None) -> bytes:
        """All bytes, the first `count` if given.

        Raises SourceTooLarge for an object of more than `most`, without receiving more than that.
        """

    @abstractmethod
    def write(self, url: Url, data: bytes) -> None:
        """Replace an object: who reads it sees the old one or the whole new one."""

    @abstractmethod
    def remove(self, url: Url) -> None:
        """Remove an object."""

    @abstractmethod
    def state(self, url: Url) -> tuple[int, int]:
        """Bytes, and a number from 1 to 2**63 - 1 that changes with the content.

        (0, 0) when there is no such object.
        """

    @abstractmethod
    def entries(self, folder: Url) -> Iterator[Entry]:
        """What is in a folder, page by page as it is read, in any order."""

    def tree(self, folder: Url) -> Iterator[str] | None:
        """The keys of all objects below a folder, from there on, page by page as it is read.

        None where that would take a walk through its folders.
        """
        return None
