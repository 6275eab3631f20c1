"""How much of a stream is held at once."""

import asyncio


class Window:
    """Room for `most` messages, and for fewer when they and their answers are large.

    A message has its place from its arrival until its answer is sent. What is held is less than
    `most_bytes`, one more message, and the results of what is under way.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._messages = 0
        self._bytes = 0
        self._left = asyncio.Event()

    async def room(self) -> None:
        """Wait for the place of another message."""
        while self._messages >= self._most or self._bytes >= self._most_bytes:
            self._left.clear()
            await self._left.wait()

    def enter(self, count: int) -> None:
        """A message of so many bytes is there."""
        self._messages += 1
        self._bytes += count

    def grow(self, count: int) -> None:
        """Its answer is made, and has so many."""
        self._bytes += count

    def leave(self, count: int) -> None:
        """The answer is sent; `count` is that of both."""
        self._messages -= 1
        self._bytes -= count
        self._left.set()
