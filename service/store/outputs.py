"""The part of a store that knows what outputs were made of."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class OutputRecord:
    """What the outputs of an image were made of.

    `path` is the real path of the first, `digest` stands for its input and all that was done, and
    `files` is JSON about them. `used_at` is when they were made or found unchanged, in
    microseconds since 1970.
    """

    path: str
    digest: str
    files: str
    used_at: int


class OutputStore(ABC):
    """See above. Methods raise StoreUnavailable as those of the other parts do."""

    @abstractmethod
    async def known(self, paths: Sequence[str]) -> list[OutputRecord]:
        """The records of `paths`, a thousand at most, that are there; in no order."""

    @abstractmethod
    async def put(self, records: Sequence[OutputRecord]) -> None:
        """Add records, or replace those with the same path."""

    @abstractmethod
    async def expire(self, before: int) -> int:
        """Forget what was used last before then; gives how many."""
