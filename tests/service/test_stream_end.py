"""The image stream: peers that are gone, a port of its own, and how it ends with the server."""

import base64
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus

from service.settings import load_settings
from service.uvicorn_server import Server, config
from tests.conftest import services
from tests.live import LiveServer, until
from tests.service.load import assert_gone
from tests.service.storing import jpeg
from tests.service.stream_clients import Peer, connected, peer, stream_url
from tests.service.test_auth import start

SMALL = jpeg()
KEY = "a-key-of-the-stream-01"

# --- peers that are gone -----------------------------------------------------------------------

PING = 0.3


@pytest.fixture(scope="module")
def impatient(app: FastAPI) -> Iterator[str]:
    """The URL of a server in this process that sends a ping every few tenths of a second."""

    async def nothing(seconds: float) -> None: ...

    settings = load_settings(port=0)
    options = config(app, settings, port=0, lifespan="off", timeout_graceful_shutdown=1)
    options.ws_ping_interval, options.ws_ping_timeout = 3 * PING, PING
    server = Server(options, nothing)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    url = f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/stream"
    with connected(url) as client:
        client.send(SMALL, SMALL).image()  # the workers of both lanes are started
        client.image()
    yield url
    server.should_exit = True
    thread.join()


def test_a_peer_that_answers_no_ping_is_dropped(impatient: str) -> None:
    with peer(impatient) as one:
        one.send(SMALL)
        one.read_to_end(10 * PING)


def test_a_peer_that_reads_nothing_and_answers_no_ping_is_dropped(
    impatient: str, app: FastAPI
) -> None:
    with peer(impatient) as one:
        one.send('{"operations": ["resize=1000x750"], "encode": {"format": "png"}}')
        one.send_until_held_back(one.frame(SMALL), 5000, seconds=PING)
        until(lambda: b"\ndarkroom_streams 0.0\n" in services(app).metrics.render(), 10 * PING)


def written(app: FastAPI) -> float:
    """Images so far."""
    lines = services(app).metrics.render().decode().splitlines()
    return sum(float(one.split()[1]) for one in lines if one.startswith("darkroom_images_total"))


def test_a_peer_that_says_farewell_and_reads_nothing_is_dropped(
    impatient: str, app: FastAPI
) -> None:
    with peer(impatient) as one:
        # Nine megabytes each, before the first ping.
        png = '"encode": {"format": "png", "compression": 0}'
        one.send(f'{{"operations": ["resize=2000x1500"], {png}}}')
        before = written(app)
        for _ in range(2):
            one.send(SMALL)
        until(lambda: written(app) == before + 2)
        one.socket.sendall(one.farewell())
        until(lambda: b"\ndarkroom_streams 0.0\n" in services(app).metrics.render())


def test_a_peer_whose_images_take_long_is_not_dropped(impatient: str) -> None:
    """Its pongs stand behind images that wait for the first one."""
    with connected(impatient) as client:
        client.set(operations=["blur=99,30"] * 100, reply="ack")
        started = time.monotonic()
        client.send(jpeg(1400, 1000), *[jpeg(40, 30)] * 15)
        assert [client.json()["index"] for _ in range(16)] == list(range(16))
        assert time.monotonic() - started > 4 * PING


def test_a_peer_that_is_silent_but_there_is_not_dropped(impatient: str) -> None:
    with connected(impatient) as client:
        threading.Event().wait(5 * PING)
        assert client.send(SMALL).image().shape == (120, 160, 3)


# --- a port of its own -------------------------------------------------------------------------


@contextmanager
def second_port(folder: Path, **settings: object) -> Iterator[tuple[LiveServer, str]]:
    with LiveServer(folder, workers=1, stream_port=0, **settings) as server:
        yield server, server.wait_for("images are taken on").rpartition(" ")[2]


@pytest.fixture(scope="module")
def ported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, str]]:
    with second_port(tmp_path_factory.mktemp("ported"), api_keys=KEY) as found:
        yield found


def headers(key: str = KEY) -> dict[str, dict[str, str]]:
    return {"additional_headers": {"X-API-Key": key}}


def test_senders_of_base64_are_acknowledged_image_by_image(
    ported: tuple[LiveServer, str],
) -> None:
    with connected(ported[1], **headers()) as client:
        for index in range(5):
            client.send(base64.b64encode(SMALL).decode())
            found = client.json()
            assert (found["type"], found["index"], found["width"]) == ("ack", index, 160)


def test_the_port_wants_a_key_too(ported: tuple[LiveServer, str]) -> None:
    with pytest.raises(InvalidStatus) as caught, connected(ported[1]):
        pass
    assert caught.value.response.status_code == 401


def test_the_port_has_the_stream_alone(ported: tuple[LiveServer, str]) -> None:
    url = ported[1].replace("ws", "http", 1)
    for path in ("", "healthz", "v1/stream", "v1/process"):
        assert httpx2.get(url + path, trust_env=False).status_code == 404
    with pytest.raises(InvalidStatus) as caught, connected(ported[1] + "v1/stream", **headers()):
        pass
    assert caught.value.response.status_code == 404


def test_a_port_that_is_taken_stops_the_start_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start(tmp_path, port=0, stream_port=port, workers=1)
    assert ended.returncode == 2
    assert f"port {port}: Address already in use; DARKROOM_STREAM_PORT sets" in ended.stderr


def test_two_ports_that_are_one_stop_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = start(tmp_path, port=port, stream_port=port, workers=1)
    assert ended.returncode == 2
    assert "DARKROOM_STREAM_PORT and DARKROOM_PORT have to differ" in ended.stderr


# --- the end -----------------------------------------------------------------------------------


def test_streams_are_answered_and_closed_when_the_server_ends(tmp_path: Path) -> None:
    large = jpeg(1200, 900)
    with second_port(tmp_path) as (server, second), ExitStack() as stack:
        server.ready()
        clients = [
            stack.enter_context(connected(url)) for url in [second] * 5 + [stream_url(server)] * 15
        ]
        for client in clients:
            client.set(operations=["blur=31"], reply="ack")
        for client in clients[::2]:
            client.send(large, large)
        for client in clients[::2]:
            assert client.json()["index"] == 0
        family = server.family()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        answers = [client.rest() for client in clients]
        assert server.wait(10) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 10
        assert_gone(family, 1)
    assert {code for _, code in answers} == {1001}
    # What was not read any more is not answered, and what was read is.
    counts = [re.findall(r"stream ended: (\d+) images, 0 failed", line) for line in server.lines]
    read = sum(int(count) for found in counts for count in found)
    assert read == 10 + sum(len(found) for found, _ in answers)
    assert not [line for line in server.lines if "Traceback" in line]


def test_who_does_not_read_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with LiveServer(tmp_path, workers=1, shutdown_timeout="4s") as server:
        peers = [Peer(stream_url(server.ready())) for _ in range(2)]
        for one in peers:
            one.send('{"operations": ["resize=1000x750"], "encode": {"format": "png"}}')
            one.send_until_held_back(one.frame(SMALL), 5000, seconds=0.5)
        family = server.family()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait(10) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 6
        assert_gone(family, 1)
        for one in peers:
            one.socket.close()
    assert not [line for line in server.lines if "Traceback" in line]
