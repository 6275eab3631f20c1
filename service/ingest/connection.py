"""One TCP connection. Each wait has an end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter

from service.errors import ConnectionTooSlow
from service.ingest.body import Body

CHUNK = 64 * 1024
_SLOWEST = 1024
"""Bytes a second at which a message may come in for as long as it takes."""

_LINGER_SECONDS = 2.0


class Disconnected(Exception):
    """The client is gone, or has ended its side in the middle."""


class Connection:
    """Bytes from and to a client, which may stand still for `idle` seconds in all; what it sends
    makes up for that. While others wait for memory, as `crowded` tells, the more a client has of
    it the more it has to send: what it holds in `idle` seconds."""

    def __init__(
        self,
        id: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        idle: float,
        crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self.id = id
        self._reader = reader
        self._writer = writer
        self._idle = idle
        self._patience = idle
        self._crowded = crowded
        self._unread = b""
        address = writer.get_extra_info("peername")
        self.host, self.port = (str(address[0]), int(address[1])) if address else ("", 0)
        self.descriptor: int = writer.get_extra_info("socket").fileno()

    async def read(self, held: int = 0) -> bytes:
        """What comes next, some bytes at least; none at the end of what the client sends.

        `held` bytes of the message have come before. Raises ConnectionTooSlow and Disconnected.
        """
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        started = perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                data = await self._reader.read(CHUNK)
        except TimeoutError:
            raise self._too_slow() from None
        except OSError as error:
            raise Disconnected(str(error)) from None
        slowest = max(_SLOWEST, held / self._idle) if self._crowded() else _SLOWEST
        gained = len(data) / slowest - (perf_counter() - started)
        self._patience = min(self._idle, self._patience + gained)
        return data

    def unread(self, data: bytes) -> None:
        """Give back what belongs to the next message."""
        self._unread = data

    def whole(self) -> None:
        """A message has come in: the client has its whole time again."""
        self._patience = self._idle

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes, which are few. Raises as `body`."""
        return b"".join((await self.body(count)).pieces)

    async def body(self, count: int, take: Callable[[int], Awaitable[None]] | None = None) -> Body:
        """The next `count` bytes; `take` is awaited with the length of each part that has come.

        Raises as `read` and `take`, and Disconnected when there are fewer.
        """
        found = Body()
        while len(found) < count:
            data = await self.read(len(found))
            if not data:
                raise Disconnected("the client closed the connection in the middle of a message")
            missing = count - len(found)
            self.unread(data[missing:])
            if take is not None:
                await take(min(len(data), missing))
            found.append(data[:missing])
        return found

    async def write(self, data: bytes) -> None:
        """Raises ConnectionTooSlow when the client does not read, and Disconnected."""
        if self._writer.transport.is_closing():  # uvloop's raises a RuntimeError then
            raise Disconnected("the client closed the connection before it was answered")
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._idle):
                await self._writer.drain()
        except TimeoutError:
            raise self._too_slow() from None
        except OSError as error:
            raise Disconnected(str(error)) from None

    async def finish(self, seconds: float = _LINGER_SECONDS) -> None:
        """Close, so that what was said arrives.

        A socket that is closed with bytes unread resets the connection, and what was sent to the
        client is lost: so they are read, until it closes too.
        """
        if not self._writer.transport.is_closing():
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(seconds):
                    self._writer.write_eof()
                    while await self._reader.read(CHUNK):
                        pass
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    def _too_slow(self) -> ConnectionTooSlow:
        return ConnectionTooSlow(
            f"the connection stood still, or was too slow, for {self._idle:g} s "
            "(DARKROOM_INGEST_IDLE_TIMEOUT)"
        )
