"""Many viewers at once, read by one thread: it counts their pictures and looks at none."""

import selectors
import time
from types import TracebackType
from typing import Any, Self

from tests.service.cameras import Watcher

_END = b"\r\n--frame\r\n"
_CHUNK = 1 << 18


class Crowd:
    """Viewers with the same query. `pictures` counts what each has got."""

    def __init__(self, url: str, count: int, query: str = "") -> None:
        self.watchers = [Watcher(url, query, http="1.1") for _ in range(count)]
        self.pictures = [-1] * count  # a boundary comes before the first
        self._tails = [b""] * count
        self._selector = selectors.DefaultSelector()
        for number, watcher in enumerate(self.watchers):
            watcher.socket.setblocking(False)
            self._selector.register(watcher.socket, selectors.EVENT_READ, number)
        self.open = count

    def read(self, seconds: float) -> list[float]:
        """Read what comes for so long; the pictures a second of each meanwhile."""
        before, began = list(self.pictures), time.monotonic()
        while time.monotonic() - began < seconds:
            self._read_once(0.05)
        taken = time.monotonic() - began
        return [(now - then) / taken for now, then in zip(self.pictures, before, strict=True)]

    def read_until_all_have(self, pictures: int, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while min(self.pictures) < pictures:
            assert time.monotonic() < deadline, f"after {timeout} s: {self.pictures}"
            self._read_once(0.05)

    def read_to_the_end(self, timeout: float = 20.0) -> None:
        """Until the server has closed all connections."""
        deadline = time.monotonic() + timeout
        while self.open:
            assert time.monotonic() < deadline, f"{self.open} are open after {timeout} s"
            self._read_once(0.05)

    def _read_once(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            self._take(key.fileobj, key.data)

    def _take(self, source: Any, number: int) -> None:
        try:
            data = source.recv(_CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(source)
            self.open -= 1
            return
        seen = self._tails[number] + data
        self.pictures[number] += seen.count(_END)
        # One byte less than a whole end: what was counted is not counted again.
        self._tails[number] = seen[-len(_END) + 1 :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()
        for watcher in self.watchers:
            watcher.close()
