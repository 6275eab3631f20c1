"""What happens to every request before its route: an id, a measure, a key, a limit.

Plain ASGI, so that a body streams through.
"""

import asyncio
import hmac
import logging
import re
import secrets
from time import perf_counter

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.engine.base import EngineClosed
from service.errors import BodyTooLarge, NotAuthorized
from service.handlers import internal_error, problem_response
from service.logs import bind_request_id
from service.metrics import Metrics
from service.services import Services

_log = logging.getLogger("darkroom.http")

REQUEST_ID = "X-Request-ID"
_OPEN_PATHS = {"/healthz", "/readyz"}
_PLAIN_ID = re.compile(r"[ -Z\\^-~]{1,128}")
"""Printable ASCII but for the brackets, which close the id's field in a log line."""
_OWN_ASSETS = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' blob:; " + (
    "style-src 'self' 'unsafe-inline'; object-src 'none'"
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def install(app: FastAPI, services: Services) -> None:
    """The last one added is the first to see a request."""
    server = services.settings.server
    app.add_middleware(OwnAssets)
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
        status = 0
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
            except asyncio.CancelledError:
                # The server gives up what outlasts the time to shut down.
                if status:
                    raise
                await problem_response(EngineClosed())(scope, receive, send_with_id)
            except Exception as error:
                if status:
                    raise
                # Here, not in the framework's outermost layer, which knows no request id.
                await internal_error(error)(scope, receive, send_with_id)
            finally:
                self._record(scope, status, perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template: a label for each address or method made up would fill the memory.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).observe(seconds)
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
        # No more digits than a length has: reading a number of many thousand fails.
        if announced.isdecimal() and int(announced[:20]) > self._limit:
            await self._refuse(scope, receive, send)
            return
        body = _CountedBody(receive, send, self._limit)
        await self._app(scope, body.receive, body.send)
        if body.cut_off:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"the body has more than {self._limit} bytes, the limit (DARKROOM_MAX_BODY)"
        # Else the server would read the rest, to find the next request behind it.
        headers = {"Connection": "close"}
        await problem_response(BodyTooLarge(detail), headers)(scope, receive, send)


class _CountedBody:
    """The body of one request. When it is too long, what the application answers is dropped.

    That answer is seldom ours: the framework turns errors while it reads into a 400.
    """

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._left = limit
        self._answered = False
        self.cut_off = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.cut_off = not self._answered
            raise BodyTooLarge("the body is too long")
        return message

    async def send(self, message: Message) -> None:
        if not self.cut_off:
            self._answered = True
            await self._send(message)


class OwnAssets:
    """Let pages load what this service serves, and nothing else: ReDoc has a logo elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = _OWN_ASSETS
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _acceptable(identifier: str) -> str:
    """The client's request id if it is short and plain, else a new one."""
    return identifier if _PLAIN_ID.fullmatch(identifier) else secrets.token_hex(8)


def _given_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
