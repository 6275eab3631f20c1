"""uvicorn, set up for the service, with streams that end before the connections do."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import uvicorn

from schemas.stream import text_limit
from service.settings import Settings
from service.uvicorn_http import HttpProtocol
from service.uvicorn_websocket import CLOSE_SECONDS, PING_SECONDS, WebSocketProtocol

_KEEP_ALIVE_SECONDS = 75
_LOOK_SECONDS = 0.05
Drain = Callable[[float], Awaitable[None]]


def config(app: Any, settings: Settings, **options: Any) -> uvicorn.Config:
    """What all listeners of the service have in common."""
    return uvicorn.Config(
        app,
        # On h11, which stops at headers of 64 KiB; httptools takes them of any length.
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=text_limit(settings.limits.max_image_bytes),
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        # Images do not shrink, and a small compressed message could be a very large one.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        **options,
    )


class Server(uvicorn.Server):
    """Before the end, `drain` has the streams answer what they have and close.

    uvicorn itself would cut them off. `drain` gets the seconds that it may take; what is left of
    `timeout_graceful_shutdown` is for the other requests.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: Any = None) -> None:
        started = monotonic()
        most = self.config.timeout_graceful_shutdown or 0
        draining = asyncio.ensure_future(self._drain(max(0.5, most - 1.5 * CLOSE_SECONDS)))
        while not self.force_exit and not draining.done():
            await asyncio.wait([draining], timeout=_LOOK_SECONDS)
        last = monotonic() + CLOSE_SECONDS
        # As uvicorn's own shutdown: it has no event for a connection that is gone.
        while not self.force_exit and self._closing() and monotonic() < last:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        left = most - (monotonic() - started)
        self.config.timeout_graceful_shutdown = max(1, int(left))
        await super().shutdown(sockets)

    def _closing(self) -> bool:
        """Whether a WebSocket is in its closing handshake."""
        open_ = list(self.server_state.connections)
        return any(isinstance(each, WebSocketProtocol) for each in open_)
