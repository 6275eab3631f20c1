"""The parts of a parsed URL that a request needs; the parser brings its spellings to one."""

import httpcore
from pydantic import AnyUrl


def host_of(url: AnyUrl) -> str:
    """Without the brackets of an IPv6 address."""
    return (url.host or "").strip("[]")


def authority(url: AnyUrl) -> str:
    """Host and port, as in the field Host (RFC 9110)."""
    usual = {"http": 80, "https": 443}[url.scheme]
    return f"{url.host}" if url.port == usual else f"{url.host}:{url.port}"


def origin(url: AnyUrl) -> str:
    """What of a URL may be logged: the rest may hold a token."""
    return f"{url.scheme}://{authority(url)}"


def target(url: AnyUrl) -> httpcore.URL:
    """What httpcore takes; a fragment is dropped."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return httpcore.URL(
        scheme=url.scheme.encode(), host=host_of(url).encode(), port=url.port, target=path.encode()
    )
