"""The end of the service, as answers without an end of their own learn of it."""

import asyncio
import os
import signal
import time
from types import FrameType

import pytest

from service.ending import Ending
from tests.live import LiveServer
from tests.service.load import assert_gone, batch


@pytest.fixture
def caught() -> list[int]:
    return []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_signal_begins_it_and_reaches_the_server(
    number: signal.Signals, caught: list[int]
) -> None:
    def server(caught_number: int, frame: FrameType | None) -> None:
        caught.append(caught_number)

    async def serve() -> None:
        ending, told = Ending(), asyncio.Event()
        ending.listen(told.set)
        with ending.on_signals():
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                await told.wait()
        assert ending.begun
        assert signal.getsignal(number) is server

    before = signal.signal(number, server)
    try:
        asyncio.run(serve())
    finally:
        signal.signal(number, before)
    assert caught == [number]


def test_listeners_are_told_once(caught: list[int]) -> None:
    ending = Ending()
    ending.listen(lambda: caught.append(1))
    ending.begin()
    ending.begin()
    assert caught == [1]


def test_what_is_left_is_counted_from_its_beginning() -> None:
    ending = Ending()
    assert ending.left(10, 1) == 10
    ending.begin()
    first = ending.left(10, 1)
    ending.begin()
    assert 9 < ending.left(10, 1) <= first <= 10
    assert ending.left(0.5, 1) == 1


def test_it_is_over_when_the_application_starts_again() -> None:
    async def serve() -> None:
        ending = Ending()
        ending.begin()
        with ending.on_signals():
            assert not ending.begun

    asyncio.run(serve())


def test_an_open_event_stream_does_not_hold_up_the_end(server: LiveServer, large: str) -> None:
    headers = {"Prefer": "respond-async"}
    with server.client() as client:
        body = batch(large, 1000, "median=31")
        job = client.post("/v1/batches", json=body, headers=headers).raise_for_status().json()
        family = server.family()
        with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
            lines = events.iter_lines()
            next(lines)
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            for _ in lines:
                pass
    server.wait(15)
    assert time.monotonic() - began < 6
    assert_gone(family, 1)
