"""A hundred viewers of one camera: those who read, and those who never do."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx2
import numpy as np
import psutil
import pytest

from tests.live import LiveServer
from tests.samples import photograph
from tests.service.crowd import Crowd
from tests.service.load import assert_gone
from tests.soak.work import say

WIDTH, HEIGHT, FPS = 640, 480, 30
VIEWERS = 100
SECONDS = 20.0
MEBIBYTE = 2**20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server whose camera is a photograph that moves."""
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.CAP_FFMPEG, code, FPS, (WIDTH, HEIGHT))
    image = photograph(WIDTH + 120, HEIGHT)
    for number in range(60):
        writer.write(np.ascontiguousarray(image[:, 2 * number : 2 * number + WIDTH]))
    writer.release()
    with LiveServer(tmp_path, camera="v.mp4", library="none", workers=1) as found:
        yield found.ready()


def encodes(client: httpx2.Client) -> int:
    return int(client.get("/v1/camera").json()["encodes"])


def memory(server: LiveServer) -> float:
    """Of the process that answers, in MiB."""
    return float(psutil.Process(server.process.pid).memory_info().rss) / MEBIBYTE


def test_a_hundred_viewers_get_every_frame(server: LiveServer) -> None:
    with server.client() as client, Crowd(server.url, VIEWERS) as crowd:
        crowd.read_until_all_have(FPS)
        before, began = encodes(client), time.monotonic()
        rates = crowd.read(SECONDS)
        made = (encodes(client) - before) / (time.monotonic() - began)
    say(f"{VIEWERS} viewers: {min(rates):.1f} to {max(rates):.1f} a second, {made:.1f} encodes")
    assert min(rates) > 0.9 * FPS
    assert made == pytest.approx(FPS, rel=0.1)


def test_a_hundred_who_never_read_harm_nobody(server: LiveServer) -> None:
    with Crowd(server.url, VIEWERS), Crowd(server.url, 10) as readers:
        readers.read(SECONDS)  # until the buffers of those who do not read are full
        before = memory(server)
        rates = readers.read(SECONDS)
        after = memory(server)
    say(f"10 of 110 read: {min(rates):.1f} a second at least; {before:.0f} to {after:.0f} MiB")
    assert min(rates) > 0.9 * FPS
    assert after - before < 4


def test_operations_for_a_hundred_viewers_run_once(server: LiveServer) -> None:
    with (
        server.client() as client,
        Crowd(server.url, VIEWERS, "operations=grayscale&operations=blur=5") as crowd,
    ):
        crowd.read_until_all_have(FPS)
        before, began = encodes(client), time.monotonic()
        rates = crowd.read(SECONDS)
        made = (encodes(client) - before) / (time.monotonic() - began)
    say(f"{VIEWERS} viewers, two operations: {min(rates):.1f} a second, {made:.1f} encodes")
    assert min(rates) > 0.9 * made
    assert made <= 1.1 * FPS


def test_it_ends_in_time_with_viewers_that_never_read(server: LiveServer) -> None:
    with Crowd(server.url, 20), Crowd(server.url, 20) as readers:
        readers.read_until_all_have(3 * FPS)
        family, began = server.family(), time.monotonic()
        server.signal(signal.SIGTERM)
        readers.read_to_the_end()
        server.wait(20)
        seconds = time.monotonic() - began
    say(f"it ended after {seconds:.1f} s")
    assert seconds < 10
    assert_gone(family, 1)
