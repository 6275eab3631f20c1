"""Streams whose clients never read: flat memory, and an end within 40 seconds."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.live import LiveServer, until
from tests.service.storing import jpeg
from tests.service.stream_clients import connected, peer, stream_url
from tests.soak.soak_many import sampled
from tests.soak.work import elapsed, say

MESSAGES = 10_000
GROWTH = 30 << 20
LONGEST = 40.0
LARGE = '{"operations": ["resize=1000x750"], "encode": {"format": "png"}}'


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path, workers=2) as server:
        yield server.ready()


def metric(server: LiveServer, name: str) -> float:
    with server.client() as http:
        lines = http.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_ten_thousand_messages_whose_answers_nobody_reads(live: LiveServer) -> None:
    """Acknowledgements are so small that the system's buffers hold them all."""
    memory = psutil.Process(live.process.pid).memory_info
    began = time.monotonic()
    with peer(stream_url(live)) as one, sampled(lambda: int(memory().rss)) as samples:
        one.send('{"operations": ["resize=0.5"], "reply": "ack"}')
        frame = one.frame(jpeg(320, 240))
        for _ in range(200):
            one.socket.sendall(frame)
        until(lambda: metric(live, "darkroom_images_total") >= 200)
        before = memory().rss
        one.socket.settimeout(LONGEST)
        for _ in range(MESSAGES - 200):
            one.socket.sendall(frame)
        until(lambda: metric(live, "darkroom_images_total") >= MESSAGES, 120)
        growth = max(samples) - before
    say(f"{MESSAGES} messages, none read, in {elapsed(began)}: {growth >> 20} MiB more")
    assert growth < GROWTH


def test_who_reads_no_images_is_held_back_and_dropped(live: LiveServer) -> None:
    memory = psutil.Process(live.process.pid).memory_info
    with peer(stream_url(live)) as one, connected(stream_url(live)) as other:
        one.send(LARGE)
        before = memory().rss
        with sampled(lambda: int(memory().rss)) as samples:
            sent = one.send_until_held_back(one.frame(jpeg()), MESSAGES, seconds=2)
            began = time.monotonic()
            until(lambda: metric(live, "darkroom_streams ") == 1, LONGEST)
        growth = max(samples) - before
        say(f"held back after {sent} messages, dropped {elapsed(began)} later")
        say(f"{growth >> 20} MiB more")
        assert sent < MESSAGES
        assert growth < 2 * GROWTH
        assert other.send(jpeg()).image().shape == (120, 160, 3)


def test_a_peer_that_is_silent_and_gone_is_dropped(live: LiveServer) -> None:
    with peer(stream_url(live)) as one:
        began = time.monotonic()
        one.read_to_end(LONGEST)
    say(f"dropped after {elapsed(began)}")
    assert time.monotonic() - began < LONGEST


def test_a_peer_that_is_silent_and_there_stays(live: LiveServer) -> None:
    with connected(stream_url(live)) as client:
        threading.Event().wait(LONGEST + 5)
        assert client.send(jpeg()).image().shape == (120, 160, 3)
