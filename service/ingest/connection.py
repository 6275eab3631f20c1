"""One TCP connection. Each wait has an end."""

import asyncio
from contextlib import suppress
from time import perf_counter

from service.errors import ConnectionTooSlow

CHUNK = 64 * 1024
_SLOWEST = 1024
"""Bytes a second at which a message may come in for as long as it takes."""

_LINGER_SECONDS = 2.0


class Disconnected(Exception):
    """The client is gone, or has ended its side in the middle."""


class Connection:
    """Bytes from and to a client, which may stand still for `idle` seconds in all; what it sends
    makes up for that."""

    def __init__(
        self, id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle: float
    ) -> None:
        self.id = id
        self._reader = reader
        self._writer = writer
        self._idle = idle
        self._patience = idle
        self._unread = b""
        address = writer.get_extra_info("peername")
        self.host, self.port = (str(address[0]), int(address[1])) if address else ("", 0)
        self.descriptor: int = writer.get_extra_info("socket").fileno()

    async def read(self) -> bytes:
        """What comes next, some bytes at least; none at the end of what the client sends.

        Raises ConnectionTooSlow and Disconnected.
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
        gained = len(data) / _SLOWEST - (perf_counter() - started)
        self._patience = min(self._idle, self._patience + gained)
        return data

    def unread(self, data: bytes) -> None:
        """Give back what belongs to the next message."""
        self._unread = data

    def whole(self) -> None:
        """A message has come in: the client has its whole time again."""
        self._patience = self._idle

    async def exactly(self, count: int) -> bytearray:
        """The next `count` bytes. Raises as `read`, and Disconnected when there are fewer."""
        found = bytearray()
        while len(found) < count:
            data = await self.read()
            if not data:
                raise Disconnected("the client closed the connection in the middle of a message")
            missing = count - len(found)
            found += data[:missing]
            self.unread(data[missing:])
        return found

    async def write(self, data: bytes) -> None:
        """Raises ConnectionTooSlow when the client does not read, and Disconnected."""
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
            f"the connection stood still for {self._idle:g} s (DARKROOM_INGEST_IDLE_TIMEOUT)"
        )
