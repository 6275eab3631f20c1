"""What every request meets before its route: the limits of its body, and its id."""

import logging
import re
import select
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx2
import psutil
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import create_app
from service.logs import request_id
from service.settings import load_settings
from tests.live import LiveServer

LIMIT = 1000
PATHS = ["/v1/batches", "/v1/plan", "/items/", "/v1/process"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def small(workspace: Path) -> FastAPI:
    """An application that takes bodies of 1000 bytes, and has a route that fails."""
    app = create_app(load_settings(read_roots=str(workspace), max_body=str(LIMIT)))

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError("unforeseen")

    return app


@pytest.fixture(scope="module")
def guarded(small: FastAPI) -> TestClient:
    return TestClient(small, raise_server_exceptions=False)


def assert_cut_off(response: httpx2.Response) -> None:
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/body-too-large"
    assert "DARKROOM_MAX_BODY" in response.json()["detail"]
    assert response.headers["Connection"] == "close"


# ------------------------------------------------------------------------------- the body


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_announced_too_large_is_refused(guarded: TestClient, path: str) -> None:
    assert_cut_off(guarded.post(path, content=b" " * (LIMIT + 1), headers=JSON))


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "image/png"]
)
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_grows_too_large_is_cut_off(guarded: TestClient, path: str, kind: str) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield b" " * 100

    response = guarded.post(path, content=body(), headers={"Content-Type": kind})
    assert_cut_off(response)


def test_a_body_of_just_the_limit_is_read(guarded: TestClient) -> None:
    body = b'{"images": []}'.ljust(LIMIT)
    assert guarded.post("/items/", content=body, headers=JSON).status_code == 200
    assert guarded.post("/items/", content=iter([body]), headers=JSON).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(b"\xb2", 200), (b"-5", 200), (b"9" * 5000, 413)])
def test_a_length_that_is_no_sane_number_does_no_harm(
    guarded: TestClient, length: bytes, status: int
) -> None:
    headers = [(b"Content-Type", b"application/json"), (b"Content-Length", length)]
    assert guarded.post("/items/", content=b"{}", headers=headers).status_code == status


def test_a_stream_over_the_limit_is_not_read_to_its_end(live: LiveServer) -> None:
    """A client that ignores the answer and sends on finds the connection closed."""
    head = b"POST /v1/process HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(live.address, timeout=20) as connection:
        connection.sendall(head)
        with pytest.raises(ConnectionError):
            connection.sendall(chunk * 8000)  # half a gigabyte
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_the_refusal_does_not_wait_for_the_body(live: LiveServer) -> None:
    """Only the head is sent."""
    head = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n"
    with socket.create_connection(live.address, timeout=20) as connection:
        connection.sendall(head)
        with connection.makefile("rb") as answer:
            text = answer.read()  # until the server closes
    assert text.startswith(b"HTTP/1.1 413")
    assert b"/problems/body-too-large" in text


# ------------------------------------------------------------------------------- its pace


@pytest.fixture(scope="module")
def impatient(workspace: Path) -> Iterator[LiveServer]:
    with LiveServer(workspace, workers=1, body_timeout=1) as server:
        yield server


@contextmanager
def begun(server: LiveServer, length: int) -> Iterator[socket.socket]:
    """A connection on which a request for a plan is sent, without its body of `length` bytes."""
    head = "POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        yield connection


def answered_within(connection: socket.socket, seconds: float) -> bool:
    return bool(select.select([connection], [], [], seconds)[0])


def assert_too_slow(connection: socket.socket) -> None:
    with connection.makefile("rb") as answer:
        text = answer.read()  # until the server closes
    assert text.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in text
    assert b"/problems/body-too-slow" in text
    assert b"DARKROOM_BODY_TIMEOUT" in text


def test_a_body_that_does_not_come_is_given_up(impatient: LiveServer) -> None:
    with begun(impatient, 100) as connection:
        assert_too_slow(connection)


def test_a_body_that_comes_byte_by_byte_is_given_up(impatient: LiveServer) -> None:
    with begun(impatient, 1000) as connection:
        for _ in range(200):
            if answered_within(connection, 0.1):
                break
            connection.sendall(b" ")
        assert_too_slow(connection)


def test_a_large_body_may_take_longer_than_a_pause(impatient: LiveServer) -> None:
    body = b"{}".rjust(4 * 4096)
    with begun(impatient, len(body)) as connection:
        for at in range(0, len(body), 4096):
            assert not answered_within(connection, 0.4)
            connection.sendall(body[at : at + 4096])
        assert connection.recv(12) == b"HTTP/1.1 422"


# ------------------------------------------------------------------------------- descriptors


@contextmanager
def no_more_files(server: LiveServer) -> Iterator[None]:
    """The server keeps what it has open, and cannot open anything else meanwhile."""
    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    taken = {int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    lowest_free = next(number for number in count() if number not in taken)
    process.rlimit(psutil.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is Linux's")
def test_a_server_that_can_open_no_file_says_so_and_goes_on(
    server: LiveServer, workspace: Path
) -> None:
    photo = (workspace / "in" / "photo.jpg").read_bytes()
    with server.client() as client:
        client.get("/healthz")  # the connection is kept
        with no_more_files(server):
            response = client.post("/v1/process", content=photo)
        assert response.status_code == 503
        assert response.json()["type"] == "/problems/too-many-files"
        assert int(response.headers["Retry-After"]) > 0
        assert client.post("/v1/process", content=photo).status_code == 200


# ------------------------------------------------------------------------------- the id


@pytest.mark.parametrize("identifier", ["abc-123", "a" * 128, "with space", "~!@#$%^&*()", "7"])
def test_the_clients_id_comes_back(client: TestClient, identifier: str) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": identifier})
    assert response.headers["X-Request-ID"] == identifier


@pytest.mark.parametrize(
    "identifier",
    [b"", b"a" * 129, b"a\tb", b"a\x7fb", b"a\x1b[31m", b"\xc3\xbc", b"\xff", b"\0", b"a] b"],
)
def test_a_hostile_id_is_replaced(client: TestClient, identifier: bytes) -> None:
    response = client.get("/healthz", headers=[(b"X-Request-ID", identifier)])
    assert re.fullmatch("[0-9a-f]{16}", response.headers["X-Request-ID"])


def test_each_request_without_an_id_gets_one(client: TestClient) -> None:
    assert len({client.get("/healthz").headers["X-Request-ID"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/v1/batches", 405), ("/fail", 500)]
)
def test_problems_have_the_id_too(guarded: TestClient, path: str, status: int) -> None:
    response = guarded.get(path, headers={"X-Request-ID": "mine"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (status, "mine")


def test_a_body_that_is_cut_off_has_the_id_too(guarded: TestClient) -> None:
    headers = JSON | {"X-Request-ID": "mine"}
    response = guarded.post("/items/", content=b" " * (LIMIT + 1), headers=headers)
    assert response.headers["X-Request-ID"] == "mine"


def test_an_unforeseen_error_is_logged_under_the_id(
    guarded: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[str, str | None]] = []

    def remember(record: logging.LogRecord) -> bool:
        seen.append((record.levelname, request_id.get()))
        return True

    caplog.handler.addFilter(remember)
    with caplog.at_level(logging.INFO, "darkroom.http"):
        response = guarded.get("/fail", headers={"X-Request-ID": "mine"})
    assert response.json()["type"] == "/problems/internal-error"
    assert seen == [("ERROR", "mine"), ("INFO", "mine")]
    assert "GET /fail 500" in caplog.text
