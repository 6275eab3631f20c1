"""Images from web servers: read by GET, within limits, from allowed places only.

The HTTP file system of fsspec neither sees the address that a connection goes to nor follows
redirects one by one. Connections of httpcore can be made by code of ours, which checks addresses.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from urllib.parse import unquote, urljoin

import httpcore
from pydantic import AnyHttpUrl, ValidationError

from service.network.addresses import AddressRefused, AddressRule
from service.network.blocking import BlockingBackend, time_left, time_limit
from service.network.connecting import tls_context
from service.network.urls import authority, target
from service.remote.urls import shown
from service.storage_errors import (
    PathRefused,
    SourceNotFound,
    SourceUnreadable,
    too_large,
)

STALL_SECONDS = 10.0
"""Without a byte from the server."""

MOST_REDIRECTS = 5
MAX_URL = 4096

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_GONE = frozenset((404, 410))
_MOST_CONNECTIONS = 32
_MOST_IDLE = 8
_IDLE_SECONDS = 4.0
"""That a connection is kept for the next image: common servers close them after 5."""

_HUNG_UP = (httpcore.ReadError, httpcore.RemoteProtocolError)
_FIELDS = {"User-Agent": "darkroom", "Accept": "image/*", "Accept-Encoding": "identity"}
_pools: dict[tuple[int, bool], httpcore.ConnectionPool] = {}


@dataclass(frozen=True)
class WebSource:
    """Reads images by their http and https URLs, for any thread of any process.

    `check` is called with each URL before it is asked for, in the spelling of the WHATWG's URL
    standard, that of each redirect too, and raises PathRefused. `seconds` is the time that an
    image may take in all. Addresses have to be public unless `allow_private`.

    No cookies are kept and no credentials are sent, and no proxy of the environment is used.
    """

    check: Callable[[str], None]
    seconds: float
    allow_private: bool = False

    def read(self, url: str, most: int) -> bytes:
        """The content of `url`, `most` bytes at most.

        At most 5 redirects are followed, and none from https to http. Raises PathRefused,
        SourceNotFound for 404 and 410, SourceTooLarge, and SourceUnreadable for all else.
        """
        with time_limit(self.seconds):
            return self._followed(url, most)

    def _followed(self, url: str, most: int) -> bytes:
        name, place = shown(url), self._checked(url, shown(url))
        for _ in range(MOST_REDIRECTS + 1):
            with self._explained(name), closing(self._asked(place)) as answer:
                if answer.status not in _REDIRECTS:
                    return _content(answer, name, most)
                location = _field(answer, "location")
            following = self._redirected(place, location, shown(url))
            name, place = f"{shown(url)} (redirected to {shown(str(following))})", following
        raise SourceUnreadable(
            f"{shown(url)} cannot be read: more than {MOST_REDIRECTS} redirects, give its new URL"
        )

    def _checked(self, url: str, name: str) -> AnyHttpUrl:
        """Raises PathRefused."""
        found = _parsed(url, name)
        self.check(str(found))
        return found

    def _redirected(self, place: AnyHttpUrl, location: str, name: str) -> AnyHttpUrl:
        """Raises a StorageError."""
        if not location:
            raise SourceUnreadable(f"{name} cannot be read: a redirect says not where to")
        try:
            found = self._checked(urljoin(str(place), location), "the target")
        except (PathRefused, ValueError) as error:
            raise PathRefused(f"{name} is redirected: {error}") from None
        if (place.scheme, found.scheme) == ("https", "http"):
            raise PathRefused(f"{name} may not be read: it is redirected from https to http")
        return found

    def _asked(self, place: AnyHttpUrl) -> httpcore.Response:
        fields = {"Host": authority(place), **_FIELDS}
        request = httpcore.Request(
            "GET",
            target(place),
            headers=[(name.encode(), value.encode()) for name, value in fields.items()],
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), STALL_SECONDS)
            },
        )
        pool = _pool(self.allow_private)
        try:
            return pool.handle_request(request)
        except _HUNG_UP:  # as when the server has closed a connection that was kept
            return pool.handle_request(request)

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Raise a StorageError for what httpcore and the check of addresses raise."""
        try:
            yield
        except AddressRefused as error:
            raise PathRefused(f"{name} may not be read: {error}") from None
        except httpcore.TimeoutException as error:
            raise SourceUnreadable(f"{name} cannot be read: {self._slow(error)}") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise SourceUnreadable(f"{name} cannot be read: {error!s:.200}") from None

    def _slow(self, error: httpcore.TimeoutException) -> str:
        if time_left() == 0:
            return f"it took more than {self.seconds:g} s (DARKROOM_HTTP_TIMEOUT)"
        if isinstance(error, httpcore.ConnectTimeout):
            return "no connection in time"
        return f"nothing came for {STALL_SECONDS:g} s"


def _parsed(url: str, name: str) -> AnyHttpUrl:
    """Raises PathRefused."""
    try:
        found = AnyHttpUrl(url[: MAX_URL + 1])
    except (ValidationError, UnicodeEncodeError):
        raise PathRefused(f"{name} is no URL of a web server") from None
    if len(str(found)) > MAX_URL:
        raise PathRefused(f"{name} has more than {MAX_URL} characters")
    if found.username is not None or found.password is not None:
        raise PathRefused(f"{name} may not be read: leave out the user name and the password")
    if _climbs(found.path or ""):
        raise PathRefused(f"{name} may not be read: it goes up with `..`")
    return found


def _climbs(path: str) -> bool:
    """Whether a server that decodes a path once or twice may find `..` in it."""
    plain = re.split(r"[/\\]", unquote(unquote(path)))
    return any(part.partition(";")[0] == ".." for part in plain)


def _content(answer: httpcore.Response, name: str, most: int) -> bytes:
    """Raises a StorageError, and what httpcore raises."""
    _check_status(answer.status, name)
    if (coding := _field(answer, "content-encoding").lower()) not in ("", "identity"):
        raise SourceUnreadable(
            f"{name} cannot be read: it comes compressed ({coding!r:.40}), which was not asked for"
        )
    if (length := int(_field(answer, "content-length") or 0)) > most:
        raise too_large(name, length, most)
    content = bytearray()
    for part in answer.iter_stream():
        content += part
        if len(content) > most:
            raise too_large(name, 0, most)
    return bytes(content)


def _check_status(status: int, name: str) -> None:
    if status == HTTPStatus.OK:
        return
    # The server's own phrase may be anything.
    said = f"the server answered {status} {responses.get(status, '')}".rstrip()
    if status in _GONE:
        raise SourceNotFound(f"there is no {name}: {said}")
    raise SourceUnreadable(f"{name} cannot be read: {said}")


def _field(answer: httpcore.Response, name: str) -> str:
    """Of a response, empty when it is missing; UTF-8 is what servers put into Location."""
    found = (value for key, value in answer.headers if key.lower() == name.encode())
    return next(found, b"").decode("utf-8", "replace").strip()


def _pool(allow_private: bool) -> httpcore.ConnectionPool:
    """Of this process: a forked one shares no connections with its parent."""
    key = os.getpid(), allow_private
    if key not in _pools:
        rule = AddressRule("DARKROOM_HTTP_ALLOW_PRIVATE", allow_private)
        made = httpcore.ConnectionPool(
            ssl_context=tls_context(),
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=BlockingBackend(rule),
        )
        _pools.setdefault(key, made)  # of two threads, both take the same
    return _pools[key]
