"""The database goes away while a folder comes in."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer, until
from tests.mongod import Mongod
from tests.service.folders import (
    IMAGE_RECEIVED,
    NAMES_RECEIVED,
    Framed,
    connect,
    documents,
    framed,
    opened,
    port_of,
    said,
    server_of,
)
from tests.service.storing import jpeg
from tests.stores import mongod_or_skip


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server of this module's own: it is killed."""
    yield from mongod_or_skip(tmp_path_factory.mktemp("away"))


@pytest.fixture
def server(away: Mongod, tmp_path: Path) -> Iterator[LiveServer]:
    with server_of(tmp_path, away.url("folders"), workers=1) as found:
        yield found.ready()


def test_what_was_acknowledged_is_there_when_the_database_is_back(
    server: LiveServer, away: Mongod
) -> None:
    port = port_of(server)
    with Framed(port) as new, connect(port) as old:
        new.hello("folder")
        new.send("image", jpeg(), name="a.jpg")
        assert new.next()["status"] == "inserted"
        old.sendall(pickle.dumps(("original", ["a.jpg"])))
        assert old.recv(1024) == NAMES_RECEIVED
        away.kill()
        new.send("image", jpeg(), name="b.jpg")
        old.sendall(pickle.dumps(opened()))
        assert new.problem() == "store-unavailable"
        told = said(old)
        assert told.startswith(IMAGE_RECEIVED + b"error: ")
    away.start("--auth")
    until(lambda: framed_again(port))
    assert list(documents(server, "folder")) == ["a.jpg", "b.jpg"]


def framed_again(port: int) -> bool:
    """Whether the folder goes through when it is sent again, with what was stored left alone."""
    with Framed(port) as client:
        if client.hello("folder")["type"] != "ready":
            return False
    *results, _ = framed(port, "folder", [("a.jpg", jpeg()), ("b.jpg", jpeg())])
    return [one["status"] for one in results] == ["existing", "inserted"]
