"""The TCP listener: accepts connections, and ends them."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.ingest.connection import CHUNK, Connection
from service.ingest.intake import Depot
from service.ingest.session import TELL_SECONDS, Session
from service.logs import bind_connection
from service.services import Services

_log = logging.getLogger("darkroom.ingest")

_BACKLOG = 512
_LAST_SECONDS = 4.0
"""Of the time to shut down: for telling those who are not done, and for the workers' end."""

_CROWDED_SECONDS = 2.0
"""What a client too many has to say which protocol it speaks, so that it is told in that."""


class Listener:
    """Takes folders while it is started; it belongs to no event loop until then."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings.ingest
        self._server: asyncio.Server | None = None
        self._depot: Depot | None = None
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._closing: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens, if it does."""
        if self._server is None or not self._server.sockets:
            return None
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen inside of the block, if a port is set.

        Raises OSError when it is taken, and SettingsError where it would let anyone in.
        """
        host, port = self._settings.host, self._settings.port
        if port is None:
            yield
            return
        await self._start(host, port)
        try:
            yield
        finally:
            self.end()
            if self._closing is not None:
                await self._closing

    def end(self) -> None:
        """Free the port at once; folders under way may be finished in time, or are told.

        Does nothing where it does not listen. Call it in the event loop of `listening`.
        """
        if self._server is not None and self._closing is None:
            self._server.close()
            self._closing = asyncio.create_task(self._close())

    async def _start(self, host: str, port: int) -> None:
        # Here too: other servers than our own command can start the application.
        self._settings.check_listening(self._services.settings.server)
        self._closing = None
        self._depot = Depot(self._services)
        self._server = await asyncio.start_server(
            self._accepted, host, port, limit=CHUNK, backlog=_BACKLOG
        )
        if self.address is not None:
            _log.info("taking folders on %s port %d", *self.address)
        if self._settings.legacy is None and self._services.settings.server.api_keys:
            _log.warning(
                "the original protocol is refused: it has no API key, and DARKROOM_API_KEYS is "
                "set; DARKROOM_INGEST_LEGACY=true takes it from this machine, and from whoever "
                "comes in through a proxy or a tunnel on it; =false ends this warning"
            )

    async def _close(self) -> None:
        for session in self._sessions.values():
            if not session.under_way:
                session.stop()
        await self._wait(self._services.settings.server.shutdown_timeout - _LAST_SECONDS)
        for session in self._sessions.values():
            session.stop()
        await self._wait(2 * TELL_SECONDS)
        for task in list(self._sessions):
            task.cancel()
        await self._wait(TELL_SECONDS)
        self._server = None

    async def _wait(self, seconds: float) -> None:
        if self._sessions:
            await asyncio.wait(list(self._sessions), timeout=max(0.0, seconds))

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, depot, most = asyncio.current_task(), self._depot, self._settings.connections
        assert task is not None
        assert depot is not None
        crowded = len(self._sessions) >= most
        idle = min(self._settings.idle_timeout, _CROWDED_SECONDS if crowded else float("inf"))
        connection = Connection(
            secrets.token_hex(4), reader, writer, idle, lambda: depot.budget.crowded
        )
        if self._closing is not None or len(self._sessions) >= 2 * most:
            connection.abort()  # those that are told why are limited too
            return
        session = Session(connection, depot, crowded)
        self._sessions[task] = session
        try:
            with (
                bind_connection(connection.id, connection.descriptor),
                self._services.metrics.connections.track_inprogress(),
            ):
                await session.run()
        except asyncio.CancelledError:
            _log.warning("a connection was cut off: its client does not read")
        finally:
            del self._sessions[task]
            connection.abort()
