"""Hostile pickles over the socket: no code runs, memory stays, and the listener goes on."""

import os
import pickle
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil
import pytest

from tests.hostile_pickles import good, hostile, mutated
from tests.live import LiveServer
from tests.service.folders import ALL_RECEIVED, connect, opened, original, port_of, said, server_of
from tests.soak.work import say

MUTATIONS = int(os.environ.get("SOAK_MUTATIONS", "100000"))
CLIENTS = 4
GROWTH = 64 << 20
WARM_UP = 200
EVERY = 1000
LARGE_CLIENTS = 20
LARGE_SECONDS = 300
BUDGET = 256 << 20
"""DARKROOM_INGEST_MEMORY by default."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with server_of(tmp_path, f"sqlite:///{tmp_path}/x.db", ingest_idle_timeout="5s") as found:
        yield found.ready()


def memory_of(server: LiveServer) -> int:
    """Bytes of the service itself; the workers have a limit of their own."""
    return int(psutil.Process(server.process.pid).memory_info().rss)


def sent(port: int, data: bytes) -> None:
    with connect(port) as client, suppress(ConnectionError):
        client.sendall(data)
        client.shutdown(1)
        said(client)


def send_all(server: LiveServer, messages: Iterable[bytes]) -> int:
    """Each on a connection of its own; how many there were."""
    port, count, began, left = port_of(server), 0, time.perf_counter(), iter(messages)
    with ThreadPoolExecutor(CLIENTS) as threads:
        while part := list(islice(left, EVERY)):
            list(threads.map(lambda data: sent(port, data), part))
            count += len(part)
            assert_goes_on(port, count)
    say(f"{count} connections in {time.perf_counter() - began:.0f} s")
    return count


def assert_goes_on(port: int, number: int) -> None:
    answers = original(port, "good", {f"{number}.jpg": good()})
    assert answers[-1] == ALL_RECEIVED


def test_hostile_pickles_do_no_harm(server: LiveServer, tmp_path: Path) -> None:
    canary, port = tmp_path / "canary", port_of(server)
    folder = pickle.dumps(("hostile", ["a.jpg"]))
    pickles = list(hostile(canary))
    for number in range(WARM_UP):
        assert_goes_on(port, -number)
    before = memory_of(server)
    assert send_all(server, pickles) == len(pickles)
    assert send_all(server, (folder + data for data in pickles)) == len(pickles)
    grown = memory_of(server) - before
    say(f"{len(pickles)} hostile pickles, twice: {grown / 2**20:.1f} MiB more")
    assert not canary.exists()
    assert grown < GROWTH
    assert not [line for line in server.lines if "Traceback" in line or " ERROR " in line]


def test_large_images_of_many_clients_take_turns(server: LiveServer) -> None:
    port, image = port_of(server), pickle.dumps(opened(width=4000, height=3000))
    peak = memory_of(server)
    before = peak

    def send(number: int) -> bytes:
        nonlocal peak
        with connect(port) as client:
            client.settimeout(LARGE_SECONDS)
            client.sendall(pickle.dumps((f"large{number}", ["a", "b"])) + image + image)
            peak = max(peak, memory_of(server))
            return said(client)

    with ThreadPoolExecutor(LARGE_CLIENTS) as threads:
        answers = set(threads.map(send, range(LARGE_CLIENTS)))
    assert [answer.endswith(ALL_RECEIVED) for answer in answers] == [True]
    say(f"{LARGE_CLIENTS} x 2 x {len(image) >> 20} MiB: {(peak - before) >> 20} MiB more at most")
    assert peak - before < BUDGET + 2 * len(image) + GROWTH


def test_mutations_of_a_good_image_do_no_harm(server: LiveServer) -> None:
    chance = random.Random(11)
    whole = [pickle.dumps(good(), protocol) for protocol in range(6)]
    folder = pickle.dumps(("mutated", ["a.jpg"]))
    send_all(server, (folder + mutated(data, chance) for data in whole * WARM_UP))
    before = memory_of(server)
    mutations = (folder + mutated(chance.choice(whole), chance) for _ in range(MUTATIONS))
    assert send_all(server, mutations) == MUTATIONS
    grown = memory_of(server) - before
    say(f"{MUTATIONS} mutations: {grown / 2**20:.1f} MiB more")
    assert grown < GROWTH
    assert not [line for line in server.lines if "Traceback" in line or " ERROR " in line]
