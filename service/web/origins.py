"""Other sites' pages change nothing here, though a browser sends their forms with our cookies.

A browser says where a request comes from: `Sec-Fetch-Site` (W3C Fetch Metadata) over HTTPS and to
this machine, `Origin` (RFC 6454) otherwise. Clients that are no browsers say neither.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import CrossOrigin
from service.handlers import problem_response
from service.web.sessions import session_of

_SAFE = {"GET", "HEAD", "OPTIONS"}
_POLICY_VIOLATION = 1008
_DETAIL = (
    "the request comes from a page of another site: use the pages of this service, "
    "or send an API key in a header"
)


class SameOrigin:
    """Refuse what a page of another origin wants to change, and its WebSockets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not _allowed(
            Headers(scope=scope), cookie_suffices=True
        ):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        elif (
            scope["type"] == "http"
            and scope["method"] not in _SAFE
            and not _allowed(Headers(scope=scope), cookie_suffices=False)
        ):
            await problem_response(CrossOrigin(_DETAIL))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _allowed(headers: Headers, cookie_suffices: bool) -> bool:
    if "authorization" in headers or "x-api-key" in headers:
        return True  # no form has these, and no script of another site without our consent
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    return cookie_suffices or not session_of(headers)
