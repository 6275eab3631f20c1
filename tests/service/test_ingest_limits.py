"""Limits of the TCP listener: who is over one is told why, and the others notice nothing."""

import pickle
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.live import LiveServer
from tests.service.folders import (
    ALL_RECEIVED,
    IMAGE_RECEIVED,
    NAMES_RECEIVED,
    Framed,
    connect,
    framed,
    message,
    opened,
    original,
    port_of,
    said,
    server_of,
)
from tests.service.storing import jpeg
from tests.service.test_auth import start

KEY = "the-only-key-of-this-0123"
SMALL = (40, 30)
CLIENTS = 10

Start = Callable[..., int]


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts an application with these settings, and gives the port of its listener."""
    with ExitStack() as stack:

        def run(**settings: Any) -> int:
            folder = tmp_path_factory.mktemp("limits")
            given = {"store": f"sqlite:///{folder}/x.db", "library": str(folder), "workers": 1}
            given["shutdown_timeout"] = "1s"
            app = create_app(load_settings(**given, ingest_port=0, **settings))
            stack.enter_context(TestClient(app))
            address = app.state.ingest.address
            assert address is not None
            return int(address[1])

        yield run


@pytest.fixture(scope="module")
def port(begin: Start) -> int:
    return begin(
        ingest_connections=3,
        ingest_max_images=2,
        ingest_max_pickle="30KiB",
        ingest_idle_timeout="1s",
        max_image_bytes="20KiB",
        max_pixels=10_000,
    )


# --- time --------------------------------------------------------------------------------------


def test_half_an_image_and_then_nothing_is_told(port: int) -> None:
    image = pickle.dumps(opened())
    with connect(port) as client:
        client.sendall(pickle.dumps(("half", ["a.jpg", "b.jpg"])) + image + image[:-9])
        assert original(port, "meanwhile", {"a.jpg": opened()})[-1] == ALL_RECEIVED
        answers = said(client)
    assert answers.startswith(NAMES_RECEIVED + IMAGE_RECEIVED + b"error: ")
    assert b"DARKROOM_INGEST_IDLE_TIMEOUT" in answers


def test_half_a_framed_image_and_then_nothing_is_told(port: int) -> None:
    with Framed(port) as client:
        client.hello("half-framed")
        client.socket.sendall(message({"type": "image", "name": "a.jpg"}, jpeg(*SMALL))[:-9])
        assert client.problem() == "connection-too-slow"


@pytest.mark.parametrize("begun", [b"", b"DRK"])
def test_who_does_not_say_its_protocol_is_told_in_a_line(port: int, begun: bytes) -> None:
    with connect(port) as client:
        client.sendall(begun)
        answer = said(client)
    assert answer.startswith(b"error: the connection stood still")
    assert answer.endswith(b"(DARKROOM_INGEST_IDLE_TIMEOUT)\n")


def test_who_takes_too_long_in_all_is_told(begin: Start) -> None:
    port = begin(ingest_total_timeout="300ms")
    with Framed(port) as client:
        client.hello("long")
        assert client.problem() == "connection-too-slow"


# --- sizes -------------------------------------------------------------------------------------


def test_too_many_names_are_told(port: int) -> None:
    with connect(port) as client:
        client.sendall(pickle.dumps(("many", ["a", "b", "c"])))
        assert said(client) == b"error: 3 images, the limit is 2 (DARKROOM_INGEST_MAX_IMAGES)\n"


def test_one_framed_image_too_many_is_told_and_those_before_are_stored(port: int) -> None:
    with Framed(port) as client:
        client.hello("many-framed")
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            client.send("image", jpeg(*SMALL), name=name)
        assert [client.next()["status"] for _ in range(2)] == ["inserted", "inserted"]
        assert client.problem() == "invalid-request"


def test_a_pickle_with_too_many_bytes_is_told_before_they_come(port: int) -> None:
    image = pickle.dumps(opened(width=200, height=100), 4)
    with connect(port) as client:
        client.sendall(pickle.dumps(("large", ["a.jpg"])) + image[:500])
        answers = said(client)
    assert b"more than 30720 bytes" in answers


def test_a_framed_image_with_too_many_bytes_is_told_before_they_come(port: int) -> None:
    header = b'{"type": "image", "name": "a.jpg"}'
    with Framed(port) as client:
        client.hello("large-framed")
        client.socket.sendall(struct.pack(">II", len(header), 2**32 - 1) + header)
        assert client.problem() == "image-too-large"


def test_too_many_pixels_fail_alone(port: int) -> None:
    wide = opened(width=200, height=51).convert("1")
    images = {"wide.png": wide, "b.jpg": opened(width=40, height=30)}
    assert original(port, "wide", images)[-1] == ALL_RECEIVED
    *results, _ = framed(port, "wide", [("wide.png", jpeg(200, 51)), ("b.jpg", jpeg(*SMALL))])
    assert [one["status"] for one in results] == ["failed", "existing"]
    assert results[0]["error"]["type"] == "/problems/image-too-large"


def test_images_of_many_clients_that_do_not_fit_together_take_turns(begin: Start) -> None:
    port = begin(ingest_memory="1MiB")
    image = opened(width=400, height=300)
    folders = [{"a.jpg": image, "b.jpg": image} for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(lambda images: original(port, "turns", images)[-1], folders))
    assert answers == [ALL_RECEIVED] * CLIENTS


def test_what_is_announced_and_does_not_come_takes_no_memory_from_others(begin: Start) -> None:
    port = begin(ingest_memory="2MiB", max_image_bytes="1MiB", ingest_max_pickle="1MiB")
    header = b'{"type": "image", "name": "a.jpg"}'
    with ExitStack() as stack:
        for number in range(4):
            slow = stack.enter_context(Framed(port))
            slow.hello(f"slow{number}")
            slow.socket.sendall(struct.pack(">II", len(header), 1 << 20) + header + b"a few bytes")
            old = stack.enter_context(connect(port))
            old.sendall(
                pickle.dumps((f"old{number}", ["a.jpg"])) + b"\x80\x04B" + bytes([0, 0, 8, 0])
            )
        images = {"a.jpg": opened(width=400, height=300)}
        assert original(port, "quick", images)[-1] == ALL_RECEIVED
        assert framed(port, "quick", [("b.jpg", jpeg(400, 300))])[-1]["inserted"] == 1


def test_who_holds_the_memory_and_is_slow_is_told_when_others_need_it(begin: Start) -> None:
    port = begin(ingest_memory="1MiB", ingest_idle_timeout="1s")
    header = b'{"type": "image", "name": "a.jpg"}'
    with Framed(port) as slow, ThreadPoolExecutor(1) as threads:
        slow.hello("slow")
        slow.socket.sendall(struct.pack(">II", len(header), 1 << 20) + header + bytes(900 << 10))
        images = {"a.jpg": opened(width=400, height=300)}
        quick = threads.submit(original, port, "quick", images)
        while not quick.done():
            with suppress(ConnectionError):
                slow.socket.sendall(bytes(4096))
            wait([quick], 0.1)
        assert quick.result()[-1] == ALL_RECEIVED
        assert slow.problem() == "connection-too-slow"


# --- connections -------------------------------------------------------------------------------


def test_a_connection_too_many_is_told_in_its_own_words(port: int) -> None:
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(Framed(port)).hello(f"open{number}")
        with Framed(port) as client:
            assert client.problem() == "too-many-connections"
        with connect(port) as client:
            client.sendall(pickle.dumps(("x", [])))
            assert b"3 connections are open (DARKROOM_INGEST_CONNECTIONS)" in said(client)
        told = [connect(port) for _ in range(10)]  # more than are told why
        assert b"" in {_end(one) for one in told}


def _end(client: socket.socket) -> bytes:
    with client:
        try:
            return client.recv(1)
        except ConnectionError:
            return b""


# --- keys --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(begin: Start) -> int:
    return begin(api_keys=KEY, ingest_host="0.0.0.0")


@pytest.fixture(scope="module")
def admitting(begin: Start) -> int:
    """With keys, but for original clients of this machine."""
    return begin(api_keys=KEY, ingest_host="0.0.0.0", ingest_legacy="true")


@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"api_key": KEY[:-1]}, {"api_key": "\xff"}])
def test_without_the_key_nothing_is_taken(locked: int, given: dict[str, str]) -> None:
    with Framed(locked) as client:
        client.send("hello", collection="locked", **given)
        assert client.problem() == "unauthorized"


def test_the_key_opens(locked: int) -> None:
    with Framed(locked) as client:
        assert client.hello("unlocked", api_key=KEY)["type"] == "ready"


def refusal(port: int, host: str = "127.0.0.1") -> bytes:
    """The answer to an original client."""
    with socket.create_connection((host, port), 10) as client:
        client.sendall(pickle.dumps(("refused", [])))
        return said(client)


def test_where_there_are_keys_original_clients_are_refused_and_the_log_says_why(
    begin: Start, caplog: pytest.LogCaptureFixture
) -> None:
    port = begin(api_keys=KEY)
    assert b"DARKROOM_INGEST_LEGACY" in refusal(port)
    assert "DARKROOM_INGEST_LEGACY=true takes it from this machine" in caplog.text


def test_original_clients_of_this_machine_need_no_key_where_they_are_let_in(
    admitting: int,
) -> None:
    assert original(admitting, "here", {"a.jpg": opened()})[-1] == ALL_RECEIVED


def test_original_clients_of_other_machines_are_not_taken_where_there_are_keys(
    admitting: int,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it finds out our own address
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own = probe.getsockname()[0]
    assert b"lets this machine alone in" in refusal(admitting, own)


def test_the_original_protocol_can_be_turned_off(begin: Start) -> None:
    assert b"DARKROOM_INGEST_LEGACY" in refusal(begin(ingest_legacy="false"))


# --- the start ---------------------------------------------------------------------------------


def test_listening_to_others_without_keys_is_refused(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", "--port", "0", "--ingest-port", "0", ingest_host="0.0.0.0")
    assert ended.returncode == 2
    assert "DARKROOM_INGEST_HOST='0.0.0.0'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start(tmp_path, "serve", "--port", "0", "--ingest-port", str(port))
    assert ended.returncode == 2
    assert f"port {port}: Address already in use; DARKROOM_INGEST_PORT sets" in ended.stderr


def test_two_listeners_on_one_port_are_refused(tmp_path: Path) -> None:
    ended = start(tmp_path, "serve", port=18_888, ingest_port=18_888)
    assert ended.returncode == 2
    assert "DARKROOM_INGEST_PORT has to differ" in ended.stderr


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    url = "mongodb://127.0.0.1:9/darkroom?serverSelectionTimeoutMS=200"
    with server_of(tmp_path, url, workers=1) as server:
        port = port_of(server)
        with Framed(port) as client:
            client.send("hello", collection="away")
            assert client.problem() == "store-unavailable"
        with connect(port) as client:
            client.sendall(pickle.dumps(("away", ["a.jpg"])))
            assert said(client).startswith(b"error: ")
    assert isinstance(server, LiveServer)
