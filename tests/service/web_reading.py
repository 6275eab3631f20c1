"""What the tests of images on the web share beside their server."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.remote import web
from service.remote.web import WebSource
from service.storage_errors import PathRefused, StorageError

MOST = 10_000
PATIENCE = 20.0


def anything(url: str) -> None:
    """Allow each URL but those below /forbidden."""
    if "/forbidden" in url:
        raise PathRefused("that lies outside")


def source(seconds: float = PATIENCE, allow_private: bool = True) -> WebSource:
    return WebSource(anything, seconds, allow_private)


def failure(kind: type[StorageError], url: str, reader: WebSource | None = None) -> str:
    """Why `url` is not read."""
    with pytest.raises(StorageError) as found:
        (reader or source()).read(url, MOST)
    assert type(found.value) is kind, found.value
    return str(found.value)


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Close those that are kept: they belong to servers of one test, and to its certificates."""
    yield
    for pool in web._pools.values():
        pool.close()
    web._pools.clear()
