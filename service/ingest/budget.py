"""The memory that images of all connections may take until they are stored."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.errors import TooManyConnections


class Budget:
    """Bytes that are lent, first come, first served. Of one event loop.

    A wish for more than all there is waits until it is alone. One that nothing moved for in
    `patience` seconds is refused: others hold what they do not use.
    """

    def __init__(self, total: int, patience: float) -> None:
        self._total = total
        self._patience = patience
        self._lent = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._moved = 0.0

    @property
    def lent(self) -> int:
        return self._lent

    @asynccontextmanager
    async def account(self) -> AsyncIterator["Account"]:
        """For one connection; at its end all is given back."""
        account = Account(self)
        try:
            yield account
        finally:
            account.give(account.held)

    async def take(self, count: int) -> None:
        """Raises TooManyConnections."""
        if not self._waiting and self._fits(count):
            self._lent += count
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (count, mine)
        self._waiting.append(entry)
        try:
            await self._wait(mine)
        except BaseException:
            if mine.done() and not mine.cancelled():
                self.give(count)
            else:
                self._waiting.remove(entry)
                self._serve()
            raise

    def give(self, count: int) -> None:
        self._lent -= count
        self._moved = asyncio.get_running_loop().time()
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            count, future = self._waiting.popleft()
            self._lent += count
            future.set_result(None)

    def _fits(self, count: int) -> bool:
        return not self._lent or self._lent + count <= self._total

    async def _wait(self, mine: asyncio.Future[None]) -> None:
        clock = asyncio.get_running_loop().time
        since = clock()
        while not mine.done():
            left = max(since, self._moved) + self._patience - clock()
            if left <= 0:
                detail = "images of other connections take the memory (DARKROOM_INGEST_MEMORY)"
                raise TooManyConnections(detail)
            await asyncio.wait([mine], timeout=left)


class Account:
    """What one connection has taken of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    async def take(self, count: int) -> None:
        """Raises TooManyConnections."""
        await self._budget.take(count)
        self.held += count

    def give(self, count: int) -> None:
        self.held -= count
        self._budget.give(count)
