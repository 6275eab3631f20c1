"""The image stream: who is let in, how much is taken, and what becomes of peers that misbehave."""

import base64
import socket
from collections.abc import Iterator

import httpx2
import psutil
import pytest
from websockets.exceptions import InvalidStatus

from tests.live import LiveServer, until
from tests.service.storing import jpeg
from tests.service.stream_clients import Peer, connected, peer, stream_url

SMALL = jpeg()
LIMIT = 100_000
CONNECTIONS = 5
MIB = 1 << 20


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("stream")
    settings = {"workers": 1, "max_image_bytes": LIMIT, "stream_connections": CONNECTIONS}
    with LiveServer(folder, log_level="debug", **settings) as server:
        yield server.ready()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("locked")
    with LiveServer(folder, workers=1, api_keys=KEY, log_level="debug") as server:
        yield server


# --- size --------------------------------------------------------------------------------------


def test_an_image_of_the_limit_is_taken(live: LiveServer) -> None:
    data = SMALL + b"\0" * (LIMIT - len(SMALL))
    with connected(stream_url(live)) as client:
        assert client.send(data).image().shape == (120, 160, 3)
        assert client.send(base64.encodebytes(data).decode()).json()["type"] == "ack"


@pytest.mark.parametrize(
    "message",
    [
        b"\0" * (LIMIT + 1),
        b"\0" * (50 * LIMIT),
        base64.b64encode(b"\0" * LIMIT * 2).decode(),
        "{" + " " * 50 * LIMIT,
    ],
    ids=["just over", "far over", "text", "settings"],
)
def test_an_oversize_message_closes_with_its_code_behind_the_answers(
    live: LiveServer, message: bytes | str
) -> None:
    with connected(stream_url(live)) as client:
        assert client.send(SMALL).image().shape == (120, 160, 3)
        client.send(message)
        assert client.rest() == ([], 1009)


BAD_TEXT = b'{"reply": "\xff\xfe"}'


@pytest.mark.parametrize(
    "message", [BAD_TEXT, [BAD_TEXT[:11], BAD_TEXT[11:]]], ids=["whole", "parts"]
)
def test_text_that_is_not_utf8_closes_with_its_code(
    live: LiveServer, message: bytes | list[bytes]
) -> None:
    with connected(stream_url(live)) as client:
        assert client.send(SMALL).image().shape == (120, 160, 3)
        client.connection.send(message, text=True)
        assert client.rest() == ([], 1007)
    live.wait_for("text that is not UTF-8")
    assert not [line for line in live.lines if "Traceback" in line]


def test_such_text_with_a_close_frame_behind_it_ends_the_connection(live: LiveServer) -> None:
    with peer(stream_url(live)) as client:
        text = client.text(BAD_TEXT)
        client.socket.sendall(text + client.farewell())
        client.read_to_end(10)
    with connected(stream_url(live)) as other:
        assert other.send(SMALL).image().shape == (120, 160, 3)
    assert not [line for line in live.lines if "Traceback" in line]


def test_text_that_is_too_long_when_decoded_fails_alone(live: LiveServer) -> None:
    text = base64.b64encode(b"\0" * (LIMIT + 3)).decode()
    with connected(stream_url(live)) as client:
        assert client.send(text).json()["problem"]["type"] == "/problems/image-too-large"
        assert client.send(SMALL).image().shape == (120, 160, 3)


def test_fragments_of_one_byte_take_no_more_memory_than_the_message(live: LiveServer) -> None:
    process = psutil.Process(live.process.pid)
    data = SMALL + b"\0" * (LIMIT - len(SMALL))
    with peer(stream_url(live)) as one:
        frames = one.fragments(data, 2)
        before = process.memory_info().rss
        one.socket.sendall(frames)
        assert one.socket.recv(2)[:1] == b"\x82"  # a binary message
    assert process.memory_info().rss - before < 5 * MIB


# --- peers that do not read, and peers that are gone --------------------------------------------


def test_who_does_not_read_is_held_back_and_costs_no_memory(live: LiveServer) -> None:
    process = psutil.Process(live.process.pid)
    settings = '{"operations": ["resize=1000x750"], "encode": {"format": "png"}}'
    with peer(stream_url(live)) as one, connected(stream_url(live)) as other:
        one.send(settings)
        before = process.memory_info().rss
        frame = one.frame(SMALL)
        sent = one.send_until_held_back(frame, 20_000)
        assert sent < 5000  # what the system's buffers take
        assert process.memory_info().rss - before < 40 * MIB
        assert other.send(SMALL).image().shape == (120, 160, 3)


def test_pings_that_are_never_read_cost_no_memory(live: LiveServer) -> None:
    process = psutil.Process(live.process.pid)
    with peer(stream_url(live)) as one:
        flood = one.ping() * 1000
        before = process.memory_info().rss
        one.send_until_held_back(flood, 300)
        assert process.memory_info().rss - before < 10 * MIB


def test_who_leaves_in_mid_work_frees_its_place(live: LiveServer) -> None:
    for _ in range(2 * CONNECTIONS):
        with peer(stream_url(live)) as one:
            for _ in range(3):
                one.send(SMALL)
    until(lambda: open_streams(live) == 0, 10)
    assert not [line for line in live.lines if "Traceback" in line]


def open_streams(server: LiveServer) -> float:
    with server.client() as http:
        lines = http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("darkroom_streams "))


def test_connections_over_the_limit_are_told_to_come_later(live: LiveServer) -> None:
    until(lambda: open_streams(live) == 0, 10)
    peers = [Peer(stream_url(live)) for _ in range(CONNECTIONS)]
    try:
        with connected(stream_url(live)) as client:
            assert client.rest() == ([], 1013)
    finally:
        for one in peers:
            one.socket.close()
    until(lambda: open_streams(live) == 0, 10)
    with connected(stream_url(live)) as client:
        assert client.send(SMALL).image().shape == (120, 160, 3)


# --- keys and pages of other sites -------------------------------------------------------------

KEY = "a-key-of-the-stream-01"
WRONG: list[dict[str, str]] = [
    {},
    {"X-API-Key": "wrong"},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Basic {KEY}"},
    {"Sec-WebSocket-Protocol": KEY},
]


def refused(server: LiveServer, **headers: str) -> InvalidStatus:
    with (
        pytest.raises(InvalidStatus) as caught,
        connected(stream_url(server), additional_headers=headers),
    ):
        pass
    return caught.value


@pytest.mark.parametrize("headers", WRONG, ids=str)
def test_without_a_known_key_the_handshake_is_refused(
    locked: LiveServer, headers: dict[str, str]
) -> None:
    response = refused(locked, **headers).response
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert b"/problems/unauthorized" in (response.body or b"")


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}],
    ids=lambda one: next(iter(one)),
)
def test_a_known_key_opens(locked: LiveServer, headers: dict[str, str]) -> None:
    with connected(stream_url(locked), additional_headers=headers) as client:
        assert client.send(SMALL).image().shape == (120, 160, 3)


def test_a_key_is_not_logged(locked: LiveServer) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "not-logged"}
    with connected(stream_url(locked), additional_headers=headers) as client:
        client.send(SMALL).image()
    locked.wait_for("request=not-logged.*stream ended")
    assert not [line for line in locked.lines if KEY in line]


@pytest.mark.parametrize(
    "origin", ["http://example.com", "https://localhost.example.com", "null", "http://localhost:1"]
)
def test_a_page_of_another_site_is_refused(live: LiveServer, origin: str) -> None:
    assert refused(live, Origin=origin).response.status_code == 403


def test_a_page_of_this_service_is_let_in(live: LiveServer) -> None:
    with connected(stream_url(live), origin=live.url) as client:
        assert client.send(SMALL).image().shape == (120, 160, 3)


def test_the_route_is_no_page(live: LiveServer) -> None:
    host, port = live.address
    assert httpx2.get(f"http://{host}:{port}/v1/stream", trust_env=False).status_code == 404
    with socket.create_connection((host, port)) as plain:
        plain.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
        plain.sendall(b"Connection: upgrade\r\n\r\n")  # no key of the handshake
        assert plain.recv(12) == b"HTTP/1.1 400"
