"""One connection to a listener. Each wait has an end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from service.cli.server import ServerLost, ServerRefuses

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 60.0
"""How long nothing may move, in neither direction, before the server is given up."""

_PART = 2**18
_SHOWN = 200


def connect(ip: str, port: int) -> socket.socket:
    """Raises ServerRefuses."""
    try:
        found = socket.create_connection((ip, port), CONNECT_SECONDS)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerRefuses(
            f"{ip} port {port} cannot be reached: {reason}; was the server started with "
            "DARKROOM_INGEST_PORT?"
        ) from None
    found.setblocking(False)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


class Link:
    """Bytes to and from the server.

    The socket is used without a transport of asyncio: what a server said before it closed can then
    still be read after a write has failed.
    """

    def __init__(self, found: socket.socket, limit: asyncio.Timeout) -> None:
        self._socket = found
        self._limit = limit
        self._read = bytearray()
        self._loop = asyncio.get_running_loop()

    async def send(self, *parts: bytes) -> None:
        """A server that has closed is no error here: what it said is still to be read."""
        with suppress(OSError):
            for data in parts:
                for start in range(0, len(data), _PART):
                    await self._loop.sock_sendall(
                        self._socket, memoryview(data)[start : start + _PART]
                    )
                    self.moved()

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises ServerLost when the server closes before."""
        while len(self._read) < count:
            if not await self._more():
                raise ServerLost("the server closed the connection")
        found = bytes(self._read[:count])
        del self._read[:count]
        self.moved()
        return found

    async def text(self, wanted: bytes) -> None:
        """Wait for these bytes. Raises ServerLost for others, with what the server said."""
        while len(self._read) < len(wanted) and wanted.startswith(self._read):
            if not await self._more():
                break
        if not self._read:
            raise ServerLost("the server closed the connection")
        if not self._read.startswith(wanted):
            said = self._read[:_SHOWN].decode(errors="replace")
            raise ServerLost(f"the server answered {said!r}")
        await self.exactly(len(wanted))

    async def closed(self) -> None:
        """Wait until the server closes; what it says meanwhile is of no interest."""
        while await self._more():
            self._read.clear()

    def moved(self) -> None:
        """Something happened: the server gets its whole time again."""
        self._limit.reschedule(self._loop.time() + SILENT_SECONDS)

    async def _more(self) -> bool:
        try:
            data = await self._loop.sock_recv(self._socket, _PART)
        except OSError:
            return False  # it was reset, which comes to the same
        self._read += data
        return bool(data)


@asynccontextmanager
async def linked(found: socket.socket) -> AsyncIterator[Link]:
    """Raises ServerLost when the server is silent for too long."""
    try:
        async with asyncio.timeout(SILENT_SECONDS) as limit:
            yield Link(found, limit)
    except TimeoutError:
        raise ServerLost(f"the server has been silent for {SILENT_SECONDS:g} s") from None
