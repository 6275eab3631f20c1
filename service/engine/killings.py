"""Whether somebody kills workers from outside, as far as it can be known.

An image that makes the kernel kill its worker, and somebody who kills a worker that has just this
image, look alike. What tells them apart is what happens to the images of a killed worker later: an
image at fault ends each worker that it is given, so that a kill whose images are all done
afterwards came from outside. Whoever kills workers hits many, and most of their images are done at
the second attempt: then the few that were hit twice are given more attempts. Where no kill is ever
proved so, an image has two attempts, however many such images there are.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

REMEMBERED_SECONDS = 10.0
"""How long after a kill from outside others are held for possible."""

PATIENCE_SECONDS = 3.0
"""How long an image that was killed twice waits for proof: a few tasks are done in it."""


class Killings:
    """What a dispatcher knows of kills from outside. Its methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: float | None = None
        self._waiting: set[Future[None]] = set()

    def proved(self) -> None:
        """Note that all images of a killed worker were done since."""
        with self._lock:
            self._last = self._clock()
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    async def happen(self, patience: float) -> bool:
        """Whether one was proved a short time ago, or is within `patience` seconds."""
        future: Future[None] = Future()
        with self._lock:
            if self._last is not None and self._clock() - self._last < REMEMBERED_SECONDS:
                return True
            self._waiting.add(future)
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), patience)
        except TimeoutError:
            return False
        finally:
            with self._lock:
                self._waiting.discard(future)
        return True
