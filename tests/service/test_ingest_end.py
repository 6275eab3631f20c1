"""How the TCP listener ends: folders are finished or told, and the port is free at once."""

import pickle
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer, until
from tests.service.folders import (
    ALL_RECEIVED,
    IMAGE_RECEIVED,
    NAMES_RECEIVED,
    Framed,
    connect,
    opened,
    port_of,
    said,
    server_of,
)
from tests.service.storing import jpeg


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """With a second for folders that are under way."""
    url = f"sqlite:///{tmp_path}/x.db"
    with server_of(tmp_path, url, workers=1, shutdown_timeout="5s") as found:
        yield found.ready()


def assert_free(port: int) -> None:
    until(lambda: _can_listen(port), 2)


def _can_listen(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_folder_under_way_is_finished(server: LiveServer) -> None:
    port, image = port_of(server), pickle.dumps(opened())
    with connect(port) as old, Framed(port) as new:
        old.sendall(pickle.dumps(("old", ["a.jpg", "b.jpg"])) + image)
        answers = old.recv(1024)
        new.hello("new")
        server.signal(signal.SIGTERM)
        assert_free(port)
        new.send("image", jpeg(), name="a.jpg")
        new.send("end")
        old.sendall(image)
        assert [new.next().get("inserted"), new.next().get("inserted")] == [None, 1]
        assert answers + said(old) == NAMES_RECEIVED + 2 * IMAGE_RECEIVED + ALL_RECEIVED


def test_a_folder_that_is_not_finished_in_time_is_told(server: LiveServer) -> None:
    port = port_of(server)
    with connect(port) as old, Framed(port) as new, Framed(port) as silent:
        old.sendall(pickle.dumps(("old", ["a.jpg", "b.jpg"])) + pickle.dumps(opened()))
        new.hello("new")
        new.send("image", jpeg(), name="a.jpg")
        assert new.next()["status"] == "inserted"
        server.signal(signal.SIGTERM)
        assert silent.problem() == "shutting-down"
        assert new.problem() == "shutting-down"
        assert said(old).endswith(b"error: the service is shutting down\n")
