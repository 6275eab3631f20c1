"""The end of the service: what would go on for ever is told, and ends by itself.

A server waits for open answers before it ends the application's lifespan, so that a stream learns
too late from that alone.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """Whether the service was told to end, and whom to tell."""

    def __init__(self) -> None:
        self.begun = False
        self._began = 0.0
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the end begins; it must not block."""
        self._listeners.append(listener)

    def begin(self) -> None:
        """Idempotent."""
        if not self.begun:
            self.begun = True
            self._began = time.monotonic()
            for listener in self._listeners:
                listener()

    def left(self, seconds: float, least: float) -> float:
        """What is left of `seconds` since it began, and `least` at any rate."""
        gone = time.monotonic() - self._began if self.begun else 0.0
        return max(least, seconds - gone)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin when a signal asks the process to end; the server's own handler runs as before.

        Outside the main thread no signal comes, and `begin` is for whoever ends the application.
        """
        self.begun = False
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.begin)
            usual = before[signal.Signals(number)]
            if callable(usual):
                usual(number, frame)

        for number, usual in before.items():
            if callable(usual):  # else nobody ends the process in an orderly way
                signal.signal(number, handle)
        try:
            yield
        finally:
            for number, usual in before.items():
                if callable(usual):
                    signal.signal(number, usual)
