"""All open connections of the image stream."""

import asyncio

from fastapi import WebSocket

from service.live.session import GOING_AWAY, Session
from service.services import Services

_TRY_AGAIN_LATER = 1013
"""Of IANA's registry of close codes."""


class Streams:
    """Opens sessions, at most as many as the settings allow, and ends them. Of no event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._most = services.settings.stream.connections
        self._open: set[Session] = set()
        self._closed = False

    async def serve(self, socket: WebSocket) -> None:
        """Serve a connection, whose handshake is still to be answered, to its end."""
        if self._closed:
            await _refuse(socket, GOING_AWAY, "the service is shutting down")
            return
        if len(self._open) >= self._most:
            reason = f"{self._most} streams are open (DARKROOM_STREAM_CONNECTIONS)"
            await _refuse(socket, _TRY_AGAIN_LATER, reason)
            return
        session = Session(socket, self._services)
        self._open.add(session)
        try:
            with self._services.metrics.streams.track_inprogress():
                await session.run()
        finally:
            self._open.discard(session)

    async def close(self, seconds: float) -> None:
        """Open no more, and end all: each answers what it has, within `seconds`."""
        self._closed = True
        await asyncio.gather(*(session.stop(seconds) for session in self._open))

    def reopen(self) -> None:
        """After `close`, as an application can be started again."""
        self._closed = False


async def _refuse(socket: WebSocket, code: int, reason: str) -> None:
    """With a code, which a handshake that is refused cannot give."""
    await socket.accept()
    await socket.close(code, reason)
