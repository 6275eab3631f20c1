"""What happens to every request before its route: an id, a measure, a key, a limit.

Plain ASGI, so that a body streams through.
"""

import asyncio
import hmac
import logging
import re
import secrets
import sys
from time import perf_counter
from urllib.parse import quote

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.engine.base import EngineClosed
from service.errors import BodyTooLarge, BodyTooSlow, NotAuthorized, RequestError
from service.handlers import internal_error, problem_response
from service.logs import bind_request_id
from service.metrics import Metrics
from service.services import Services
from service.store.base import StoreError
from service.web.origins import SameOrigin
from service.web.rendering import prefers_html
from service.web.sessions import Sessions, session_of

_log = logging.getLogger("darkroom.http")

REQUEST_ID = "X-Request-ID"
_OPEN_PATHS = {"/healthz", "/readyz", "/session"}
_OPEN_FILES = "/static/"
_PLAIN_ID = re.compile(r"[ -Z\\^-~]{1,128}")
"""Printable ASCII but for the brackets, which close the id's field in a log line."""
_OWN_ASSETS = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' blob:; " + (
    "style-src 'self' 'unsafe-inline'; object-src 'none'"
)
_SLOWEST = 1024
"""Bytes a second at which a body may come in for as long as it takes."""

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def install(app: FastAPI, services: Services) -> None:
    """The last one added is the first to see a request."""
    server = services.settings.server
    app.add_middleware(OwnAssets)
    app.add_middleware(BodyLimit, limit=server.max_body, timeout=server.body_timeout)
    app.add_middleware(SameOrigin)
    app.add_middleware(ApiKeys, keys=server.api_keys)
    app.add_middleware(Observed, metrics=services.metrics)
    app.add_middleware(PlainStart)


class PlainStart:
    """Say in one line why the store does not allow a start; the server would show a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_plain(message: Message) -> None:
            # The framework sends this while it handles the error.
            if isinstance(error := sys.exception(), StoreError):
                message = {**message, "message": str(error)}
            await send(message)

        await self._app(scope, receive, send_plain if scope["type"] == "lifespan" else send)


class Observed:
    """Give each request an id, or keep the client's, and log and measure the answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identifier = _acceptable(Headers(scope=scope).get(REQUEST_ID, ""))
        if scope["type"] == "websocket":
            with bind_request_id(identifier):
                await self._app(scope, receive, send)
            return
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
                if status and not isinstance(error.__cause__ or error, StoreError):
                    raise
                if status:
                    # Sent in part: the server closes the connection, and so the client knows.
                    _log.warning("the answer is cut off: %s", error.__cause__ or error)
                    return
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
        self._sessions = Sessions(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._allowed(scope):
            refusal = NotAuthorized("this service wants an API key, and this one is not known")
            await (_sign_in(scope) or problem_response(refusal))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        path, headers = scope["path"], Headers(scope=scope)
        if not self._keys or path in _OPEN_PATHS or path.startswith(_OPEN_FILES):
            return True
        if self._sessions.holds(session_of(headers)):
            return True
        given = _given_key(headers).encode("latin-1", "replace")
        # All are compared: the time must not tell which one is right.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0


class BodyLimit:
    """Cut a body off, while it streams in, that is longer than `limit` bytes or too slow.

    It may stand still for `timeout` seconds in all; what comes in makes up for that.
    """

    def __init__(self, app: ASGIApp, limit: int, timeout: float) -> None:
        self._app = app
        self._limit = limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        # No more digits than a length has: reading a number of many thousand fails.
        if announced.isdecimal() and int(announced[:20]) > self._limit:
            await _cut_off(_too_large(self._limit))(scope, receive, send)
            return
        body = _GuardedBody(receive, send, self._limit, self._timeout)
        await self._app(scope, body.receive, body.send)
        if body.refusal is not None:
            await _cut_off(body.refusal)(scope, receive, send)


class _GuardedBody:
    """The body of one request. When it is refused, what the application answers is dropped.

    That answer is seldom ours: the framework turns errors while it reads into a 400.
    """

    def __init__(self, receive: Receive, send: Send, limit: int, timeout: float) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._left = limit
        self._timeout = timeout
        self._patience = timeout
        self._whole = False
        self._answered = False
        self.refusal: RequestError | None = None

    async def receive(self) -> Message:
        if self._whole:  # what comes now is the end of the connection
            return await self._receive()
        message = await self._next()
        count = len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        self._left -= count
        if self._left < 0:
            raise self._refused(_too_large(self._limit))
        self._patience = min(self._timeout, self._patience + count / _SLOWEST)
        return message

    async def send(self, message: Message) -> None:
        if self.refusal is None:
            self._answered = True
            await self._send(message)

    async def _next(self) -> Message:
        started = perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                return await self._receive()
        except TimeoutError:
            detail = f"the body stood still for {self._timeout:g} s (DARKROOM_BODY_TIMEOUT)"
            raise self._refused(BodyTooSlow(detail)) from None
        finally:
            self._patience -= perf_counter() - started

    def _refused(self, error: RequestError) -> RequestError:
        """`error`, which is to be the answer unless there is one already."""
        if not self._answered:
            self.refusal = error
        return error


class OwnAssets:
    """Let pages load what this service serves, and nothing else: ReDoc has a logo elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    # Pages of ours have a stricter one.
                    headers.setdefault("Content-Security-Policy", _OWN_ASSETS)
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {limit} bytes, the limit (DARKROOM_MAX_BODY)")


def _cut_off(refusal: RequestError) -> Response:
    # Else the server would read the rest, to find the next request behind it.
    return problem_response(refusal, {"Connection": "close"})


def _acceptable(identifier: str) -> str:
    """The client's request id if it is short and plain, else a new one."""
    return identifier if _PLAIN_ID.fullmatch(identifier) else secrets.token_hex(8)


def _sign_in(scope: Scope) -> Response | None:
    """Where a browser that opens a page shows its key; None for other clients."""
    if scope.get("method") != "GET" or not prefers_html(Headers(scope=scope).get("accept", "")):
        return None
    query = scope["query_string"].decode("latin-1")
    asked = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"/session?next={quote(asked, safe='')}", 303)


def _given_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
