"""When to send, and when to try again."""

import asyncio
import time

from service.cli.sending.wish import SendRefused, StreamLost

PATIENCE_SECONDS = 60.0
"""How long a server that was there may be away: it may be started again meanwhile."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Pace:
    """Lets through at most `rate` a second; all at once where there is no rate."""

    def __init__(self, rate: float | None) -> None:
        self._step = 0.0 if rate is None else 1 / rate
        self._next = 0.0

    async def wait(self) -> None:
        now = time.monotonic()
        if self._next > now:
            await asyncio.sleep(self._next - now)
        self._next = max(now, self._next) + self._step


class Patience:
    """Waits longer and longer, until nothing was answered for too long.

    A server that was never `reached` is not waited for.
    """

    def __init__(self) -> None:
        self.reached = False
        self.found()

    def found(self) -> None:
        """The server answers."""
        self._lost: float | None = None
        self._pause = _FIRST_PAUSE

    async def wait(self, reason: str) -> None:
        """Wait before the next attempt. Raises SendRefused and StreamLost."""
        if not self.reached:
            raise SendRefused(reason)
        now = time.monotonic()
        if self._lost is None:
            self._lost = now
        if now + self._pause > self._lost + PATIENCE_SECONDS:
            raise StreamLost(reason)
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
