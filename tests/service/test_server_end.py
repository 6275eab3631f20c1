"""How the server ends, and that it leaves nothing behind."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.live import LiveServer
from tests.service.load import assert_gone, batch, begin
from tests.service.test_auth import start

ENDING = [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_running_batch_is_finished(
    server: LiveServer, threads: ThreadPoolExecutor, large: str, number: signal.Signals
) -> None:
    answer = begin(threads, server, batch(large, 24, "blur=31"))
    family = server.family()
    server.signal(number)
    assert server.wait(10) in (0, -number)
    assert answer.result().json()["counts"]["succeeded"] == 24
    assert_gone(family, 1)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_an_idle_server_ends_at_once(server: LiveServer, number: signal.Signals) -> None:
    family = server.family()
    with socket.create_connection(server.address):  # a client that is there and asks nothing
        server.signal(number)
        assert server.wait(5) in (0, -number)
    assert_gone(family, 1)


def test_a_batch_that_takes_too_long_is_given_up(
    workspace: Path, threads: ThreadPoolExecutor, large: str
) -> None:
    with LiveServer(workspace, workers=1, write_roots="out", shutdown_timeout="3s") as server:
        answer = begin(threads, server, batch(large, 5000, "blur=99"))
        family = server.family()
        server.signal(signal.SIGTERM)
        server.wait(10)
        assert_gone(family, 1)
    assert answer.result().status_code == 503
    assert answer.result().json()["type"] == "/problems/shutting-down"
    assert not [line for line in server.lines if "Traceback" in line]


def test_a_hung_image_does_not_hold_the_end_up(
    workspace: Path, threads: ThreadPoolExecutor, large: str
) -> None:
    """The worker is stopped in the middle of its work; requests and jobs have one time limit."""
    with LiveServer(workspace, workers=1, write_roots="out", shutdown_timeout="4s") as server:
        begin(threads, server, batch(large, 1, *["blur=999,150"] * 50))
        family = server.family()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait(10)
        assert time.monotonic() - began < 6
        assert_gone(family, 1)
    assert not list((workspace / "out" / "server").glob(".*.part"))


def test_a_second_signal_ends_at_once(
    server: LiveServer, threads: ThreadPoolExecutor, large: str
) -> None:
    begin(threads, server, batch(large, 5000, "blur=99"))
    family = server.family()
    server.signal(signal.SIGINT)
    server.wait_for("Waiting for connections")
    server.signal(signal.SIGINT)
    server.wait(10)
    assert_gone(family, 1)


@pytest.mark.parametrize("working", [False, True], ids=["idle", "working"])
def test_a_killed_server_leaves_no_worker(
    server: LiveServer, threads: ThreadPoolExecutor, large: str, working: bool
) -> None:
    if working:
        begin(threads, server, batch(large, 1000, "blur=99"))
    family = server.family()
    assert len(server.workers()) == 2
    server.signal(signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    assert_gone(family, 2)


def test_a_port_that_is_taken_stops_the_start_with_what_to_do(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start(workspace, port=port, workers=1)
    assert ended.returncode == 2
    assert f"port {port}: Address already in use; DARKROOM_PORT sets another" in ended.stderr
    assert not [
        found
        for found in psutil.process_iter(["environ"])
        if (found.info["environ"] or {}).get("DARKROOM_PORT") == str(port)
    ]
