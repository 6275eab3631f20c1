"""The memory that images of all connections may take until they are stored.

A message is paid for as its bytes come in: what is announced and not sent takes nothing. Several
that are under way must not wait for one another with the memory full, so that a part is lent only
while there is an order in which all can come in whole, each with what those before it give back
(Dijkstra's banker's algorithm, EWD 108). What is whole needs no more memory, and is given back.
A message may turn out to be longer than was expected, so that there may be no such order at last:
then the one that misses the least gets it all the same, and there is more lent than there is, by
one message at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.errors import TooManyConnections

_Entry = tuple["Account", int, asyncio.Future[None]]


class Budget:
    """Bytes that are lent, to whoever asked first of those that can have them. Of one event loop.

    A message that nothing moved for in `patience` seconds is refused: others hold what they do
    not use.
    """

    def __init__(self, total: int, patience: float) -> None:
        self.total = total
        self.lent = 0
        self._patience = patience
        self._accounts: list[Account] = []
        self._waiting: list[_Entry] = []
        self._over: Account | None = None
        """Who may be lent more than there is, until its message is whole."""
        self._moved = 0.0

    @property
    def crowded(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    @asynccontextmanager
    async def account(self) -> AsyncIterator["Account"]:
        """For one connection; at its end all is given back."""
        account = Account(self)
        self._accounts.append(account)
        try:
            yield account
        finally:
            self._accounts.remove(account)
            self._not_over(account)
            account.give(account.held)

    async def lend(self, account: "Account", count: int) -> None:
        """Raises TooManyConnections."""
        if self._can_lend(account, count):
            account.lent(count)
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (account, count, mine)
        self._waiting.append(entry)
        self._serve()
        try:
            await self._wait(mine)
        except BaseException:
            if entry in self._waiting:
                self._waiting.remove(entry)
            raise

    def whole(self, account: "Account") -> None:
        """Its message has come in."""
        self._not_over(account)
        self.moved()

    def moved(self) -> None:
        """Less is lent, or needed, than before."""
        self._moved = asyncio.get_running_loop().time()
        self._serve()

    def _serve(self) -> None:
        room = self._room() if self._waiting else {}
        for entry in list(self._waiting):
            if entry[1] <= room.get(entry[0], 0):
                self._grant(entry)
                room = self._room()
        if self._waiting and self._is_stuck():
            if self._over is None:
                self._over = min((one for one, _, _ in self._waiting), key=lambda one: one.missing)
            self._grant(next(entry for entry in self._waiting if entry[0] is self._over))

    def _not_over(self, account: "Account") -> None:
        if self._over is account:
            self._over = None

    def _grant(self, entry: _Entry) -> None:
        account, count, future = entry
        self._waiting.remove(entry)
        account.lent(count)
        future.set_result(None)

    def _can_lend(self, account: "Account", count: int) -> bool:
        if max(account.missing, count) <= self.total - self.lent:
            return True  # all that it may still need is there
        return count <= self._room().get(account, 0)

    def _is_stuck(self) -> bool:
        """Whether nothing will be given back: all that hold something wait for more."""
        waiting = {id(account) for account, _, _ in self._waiting}
        holding = [account for account in self._accounts if account.held]
        return all(one.held == one.coming and id(one) in waiting for one in holding)

    def _room(self) -> dict["Account", int]:
        """What each that has a message under way could be lent, so that all still come in.

        In the order of what they miss: if that is no order, there is none. What is whole counts
        as free for those who wait, as it is given back without anybody's help.
        """
        under_way = sorted(
            (account for account in self._accounts if account.expected),
            key=lambda account: account.missing,
        )
        free = self.total - sum(account.coming for account in under_way)
        least = self.total - self.lent
        room: dict[Account, int] = {}
        for account in under_way:
            left = free - account.missing
            room[account] = least if left >= 0 else 0
            least = min(least, left)
            free += account.coming
        return room

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
    """What one connection has taken of the budget: `held` for images that wait to be stored and
    for the message that is `coming` in, of which so many bytes are `expected`."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.expected = 0
        self.coming = 0
        self.held = 0

    @property
    def missing(self) -> int:
        """What the message may still need, of more than there is that which there is."""
        return max(0, min(self.expected, self._budget.total) - self.coming)

    def expect(self, count: int) -> None:
        """The message under way has so many bytes, with those that have come."""
        grown = count >= self.expected
        self.expected = count
        if not grown:
            self._budget.moved()

    async def take(self, count: int) -> None:
        """For the next bytes of what is expected. Raises TooManyConnections."""
        await self._budget.lend(self, count)

    def lent(self, count: int) -> None:
        """The budget's answer to `take`."""
        self.coming += count
        self.held += count
        self._budget.lent += count

    def whole(self) -> None:
        """The message has come in. Its bytes stay on the account until they are given back."""
        self.coming = self.expected = 0
        self._budget.whole(self)

    def give(self, count: int) -> None:
        self.held -= count
        self._budget.lent -= count
        self._budget.moved()
