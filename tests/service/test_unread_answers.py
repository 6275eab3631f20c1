"""Clients that ask and do not read: they are cut off, and do not hold the end up."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import uvicorn_http
from service.settings import load_settings
from service.uvicorn_server import Server, config
from tests.live import LiveServer, until
from tests.service.crowd import Crowd
from tests.service.load import assert_gone

PATIENCE = 0.3
LARGE = "quality=100&operations=noise=99"
PART = 200_000


async def endless(scope: object, receive: object, send: object) -> None:
    """Answers with more than any buffer holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    for _ in range(200):
        message = {"type": "http.response.body", "body": bytes(PART), "more_body": True}
        await send(message)  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server in this process that waits for a few tenths of a second."""

    async def nothing(seconds: float) -> None: ...

    monkeypatch.setattr(uvicorn_http, "SEND_SECONDS", PATIENCE)
    options = config(endless, load_settings(), port=0, lifespan="off")
    options.timeout_graceful_shutdown = 1
    server = Server(options, nothing)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server
    server.should_exit = True
    thread.join()


def asking(server: Server) -> socket.socket:
    """A client that has asked, and has small buffers."""
    port = server.servers[0].sockets[0].getsockname()[1]
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return client


def test_who_reads_nothing_is_cut_off(impatient: Server) -> None:
    with asking(impatient):
        until(lambda: len(impatient.server_state.connections) == 1)
        until(lambda: not impatient.server_state.connections, 20 * PATIENCE)


def test_who_reads_slowly_gets_all(impatient: Server) -> None:
    """It takes several times the server's patience, and is never still for so long."""
    with asking(impatient) as client:
        began, read = time.monotonic(), 0
        pause = threading.Event()
        while data := client.recv(1 << 20):
            read += len(data)
            if time.monotonic() - began < 4 * PATIENCE:
                pause.wait(PATIENCE / 10)
    assert read > 200 * PART
    assert time.monotonic() - began > 4 * PATIENCE


def test_the_end_does_not_wait_for_viewers_that_never_read(tmp_path: Path) -> None:
    with LiveServer(tmp_path, camera="test", library="none", workers=1) as server:
        server.ready()
        with Crowd(server.url, 10, LARGE), Crowd(server.url, 1, LARGE) as reader:
            reader.read_until_all_have(20)
            family, began = server.family(), time.monotonic()
            server.signal(signal.SIGTERM)
            reader.read_to_the_end()
            assert server.wait(10) in (0, -signal.SIGTERM)
            assert time.monotonic() - began < 5
            assert_gone(family, 1)
    assert not [line for line in server.lines if "Traceback" in line]
