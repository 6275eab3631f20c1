"""Handing the newest of many things from one thread to another."""

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

from processors.operation import Image

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture, or with a `problem` a notice in its place.

    `image` is (H, W) or (H, W, 3) uint8, and is not written to.
    """

    image: Image
    problem: str | None = None


class Newest(Generic[Item]):
    """Room for one item: a new one takes the place of one that nobody has taken."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._item: Item | None = None

    def put(self, item: Item) -> None:
        with self._news:
            self._item = item
            self._news.notify()

    def take(self, timeout: float) -> Item | None:
        """The newest item, as soon as there is one; None where none comes in `timeout` seconds."""
        with self._news:
            self._news.wait_for(lambda: self._item is not None, timeout)
            item, self._item = self._item, None
            return item
