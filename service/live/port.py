"""A port of its own on which `/` is the image stream."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import NotFound
from service.handlers import problem_response
from service.settings import Settings
from service.uvicorn_server import Server, config

_log = logging.getLogger("darkroom.stream")

STREAM_PATH = "/v1/stream"


class OnlyStream:
    """The application, of which there is the stream alone, at `/`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == "/":
            moved = {"path": STREAM_PATH, "raw_path": STREAM_PATH.encode()}
            await self._app({**scope, **moved}, receive, send)
            return
        error = NotFound("this port has the image stream alone, a WebSocket at /")
        await problem_response(error)(scope, receive, send)


class _Listener(Server):
    """Leaves signals to the server of the other port."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def stream_port(
    app: ASGIApp, host: str, port: int, settings: Settings
) -> AsyncIterator[None]:
    """Listen inside of the block. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.create_server((host, port), family=family)
    options = config(OnlyStream(app), settings, lifespan="off", timeout_graceful_shutdown=1)
    server = _Listener(options, _nothing)
    serving = asyncio.create_task(server.serve([taken]))
    name = f"[{host}]" if ":" in host else host
    _log.info("images are taken on ws://%s:%d/", name, taken.getsockname()[1])
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _nothing(seconds: float) -> None:
    """The application's server has ended the streams of both ports."""
