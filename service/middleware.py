"""What happens to every request before its route: an id, a measure, a key, a limit.

Plain ASGI, so that a body streams through.
"""

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, NotAuthorized
from service.handlers import problem_response
from service.logs import bind_request_id
from service.metrics import Metrics
from service.services import Services

_log = logging.getLogger("darkroom.http")

REQUEST_ID = "X-Request-ID"
_OPEN_PATHS = {"/healthz", "/readyz"}
_MAX_ID = 128


def install(app: FastAPI, services: Services) -> None:
    """The last one added is the first to see a request."""
    server = services.settings.server
    app.add_middleware(BodyLimit, limit=server.max_body)
    app.add_middleware(ApiKeys, keys=server.api_keys)
    app.add_middleware(Observed, metrics=services.metrics)


class Observed:
    """Give each request an id, or keep the client's, and log and measure the answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _acceptable(Headers(scope=scope).get(REQUEST_ID, ""))
        status = 500
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = identifier
            await send(message)

        with bind_request_id(identifier):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template: a label for each address asked for would fill the memory.
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, str(status)).observe(seconds)
        _log.info("%s %s %d %.1f ms", scope["method"], scope["path"], status, seconds * 1000)


class ApiKeys:
    """Let a request pass that shows one of `keys`; all pass when there are none."""

    def __init__(self, app: ASGIApp, keys: tuple[SecretStr, ...]) -> None:
        self._app = app
        self._keys = [key.get_secret_value().encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(scope):
            refusal = NotAuthorized("this service wants an API key, and this one is not known")
            await problem_response(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        if not self._keys or scope["path"] in _OPEN_PATHS:
            return True
        given = _given_key(Headers(scope=scope)).encode("latin-1", "replace")
        # All are compared: the time must not tell which one is right.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0


class BodyLimit:
    """Cut a body off that is longer than `limit` bytes, while it streams in."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            await problem_response(self._refusal())(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Callable[[], Awaitable[Message]]:
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise self._refusal()
            return message

        return receive_counted

    def _refusal(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has more than {self._limit} bytes, the limit (DARKROOM_MAX_BODY)"
        )


def _acceptable(identifier: str) -> str:
    """The client's request id if it is short and plain, else a new one."""
    if 0 < len(identifier) <= _MAX_ID and identifier.isascii() and identifier.isprintable():
        return identifier
    return secrets.token_hex(8)


def _given_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
