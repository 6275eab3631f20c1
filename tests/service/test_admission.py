"""Large images are let in by their memory, and the small ones flow past."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from processors.operation import Operation
from service.engine.admission import Admission, small_bytes
from service.engine.base import ItemResult, Task, WorkItem
from service.engine.dispatch import Dispatcher
from service.engine.local import LocalEngine
from service.engine.worker import WorkerConfig
from tests.live import until
from tests.workshop import PATIENCE, Gatekeeper, Workshop, make_workshop, pipeline

WORKERS = 2
SMALL, LARGE = 64, 2000
"""Widths."""

WEIGHT = 3 * LARGE * 48 * 3
"""Bytes: a copy that goes in, one that comes out, and one more."""

BUDGET = 1_200_000
"""One large image fits beside the share of the small ones, two do not."""


class Scales(LocalEngine):
    """Weighs what is under way at once, of the images that were admitted."""

    def __init__(self, config: WorkerConfig) -> None:
        super().__init__(config, WORKERS, PATIENCE)
        self._lock = threading.Lock()
        self._now: list[int] = []
        self.most, self.most_bytes = 0, 0

    def zero(self) -> Self:
        self.most, self.most_bytes = 0, 0
        return self

    def submit(self, task: Task) -> Future[list[ItemResult]]:
        weights = [item.admitted for item in task.items if item.admitted]
        with self._lock:
            self._now += weights
            self.most = max(self.most, len(self._now))
            self.most_bytes = max(self.most_bytes, sum(self._now))
        future = super().submit(task)
        future.add_done_callback(lambda _: self._end(weights))
        return future

    def _end(self, weights: list[int]) -> None:
        with self._lock:
            for weight in weights:
                self._now.remove(weight)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return make_workshop(tmp_path_factory.mktemp("admission"))


@pytest.fixture(scope="module")
def engine(shop: Workshop) -> Iterator[Scales]:
    made = Scales(replace(shop.config, small=small_bytes(BUDGET, WORKERS)))
    yield made
    made.close(0)


@pytest.fixture
def scales(engine: Scales) -> Scales:
    return engine.zero()


@pytest.fixture
def dispatcher(scales: Scales, shop: Workshop) -> Dispatcher:
    return Dispatcher(scales, shop.storage, budget=BUDGET)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gatekeeper]:
    with Gatekeeper(tmp_path) as keeper:
        yield keeper


def items(shop: Workshop, count: int, width: int, first: int = 0) -> list[WorkItem]:
    return [shop.item(first + index, width) for index in range(count)]


async def results(
    dispatcher: Dispatcher, given: list[WorkItem], *steps: Operation
) -> list[ItemResult]:
    return [result async for result in dispatcher.run(pipeline(*steps), given)]


def all_done(found: list[ItemResult], count: int) -> bool:
    return sorted(one.index for one in found) == list(range(count)) and not any(
        one.error for one in found
    )


# --- batches -----------------------------------------------------------------------------------


def test_large_images_take_turns_and_all_are_done(
    dispatcher: Dispatcher, scales: Scales, shop: Workshop, gate: Gatekeeper
) -> None:
    gate.let(20)
    found = asyncio.run(results(dispatcher, items(shop, 20, LARGE), gate.step(LARGE)))
    assert all_done(found, 20)
    assert (scales.most, scales.most_bytes) == (1, WEIGHT)
    assert dispatcher.admission.load() == (0, 0)


def test_as_many_as_fit_are_done_at_once(scales: Scales, shop: Workshop, gate: Gatekeeper) -> None:
    dispatcher = Dispatcher(scales, shop.storage, budget=2 * BUDGET)

    async def both_wait_at_the_gate() -> list[ItemResult]:
        batch = asyncio.create_task(results(dispatcher, items(shop, 6, LARGE), gate.step(LARGE)))
        pids = {await asyncio.to_thread(gate.wait) for _ in range(2)}
        assert len(pids) == 2
        gate.let(6)
        return await batch

    assert all_done(asyncio.run(both_wait_at_the_gate()), 6)
    assert scales.most == 2


def test_small_images_of_another_batch_pass_large_ones_that_wait(
    dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    async def both() -> tuple[list[ItemResult], list[ItemResult]]:
        batch = asyncio.create_task(results(dispatcher, items(shop, 20, LARGE), gate.step(LARGE)))
        await asyncio.to_thread(gate.wait)
        passed = await results(dispatcher, items(shop, 40, SMALL, 100))
        assert not batch.done()
        assert not gate.comes(0)
        gate.let(20)
        return await batch, passed

    large, small = asyncio.run(both())
    assert all_done(large, 20)
    assert len(small) == 40
    assert not any(one.error for one in small)


def test_small_images_pass_the_large_ones_of_their_own_batch(
    dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    mixed = items(shop, 5, LARGE) + items(shop, 20, SMALL, 5)

    async def order() -> list[int]:
        found = []
        async for result in dispatcher.run(pipeline(gate.step(LARGE)), mixed):
            found.append(result.index)
            if len(found) == 20:
                gate.let(5)
        return found

    assert set(asyncio.run(order())[:20]) == set(range(5, 25))


def test_an_image_over_the_whole_budget_is_done_alone(scales: Scales, shop: Workshop) -> None:
    dispatcher = Dispatcher(scales, shop.storage, budget=WEIGHT // 4)
    assert all_done(asyncio.run(results(dispatcher, items(shop, 5, LARGE))), 5)
    assert scales.most == 1


def test_a_killed_worker_leaves_nothing_taken(
    dispatcher: Dispatcher, scales: Scales, shop: Workshop, gate: Gatekeeper
) -> None:
    async def killing() -> list[ItemResult]:
        batch = asyncio.create_task(results(dispatcher, items(shop, 4, LARGE), gate.step(LARGE)))
        os.kill(await asyncio.to_thread(gate.wait), signal.SIGKILL)
        gate.let(5)  # who was killed may have been let through
        return await batch

    assert all_done(asyncio.run(killing()), 4)
    assert scales.most == 1
    assert dispatcher.admission.load() == (0, 0)


def test_a_stopped_batch_does_not_wait_for_its_large_images(
    dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    stop = threading.Event()
    work = pipeline(gate.step(LARGE))
    given = items(shop, 10, LARGE)

    async def stopping() -> list[ItemResult]:
        async def read() -> list[ItemResult]:
            run = dispatcher.run(work, given, stopped=stop.is_set)
            return [result async for result in run]

        batch = asyncio.create_task(read())
        await asyncio.to_thread(gate.wait)
        await asyncio.to_thread(until, lambda: dispatcher.admission.load()[1] == 9)
        stop.set()
        await asyncio.to_thread(until, lambda: dispatcher.admission.load()[1] == 0)
        gate.let(1)
        return await batch

    (result,) = asyncio.run(stopping())
    assert result.error is None


def test_a_batch_that_nobody_reads_begins_no_more_large_images(
    dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    given = items(shop, 5, LARGE) + items(shop, 1, SMALL, 5)

    async def leaving() -> None:
        async with aclosing(dispatcher.run(pipeline(gate.step(LARGE)), given)) as run:
            assert (await anext(run)).index == 5
        gate.let(1)

    asyncio.run(leaving())
    assert dispatcher.admission.load() == (0, 0)


# --- single images -----------------------------------------------------------------------------


def test_a_single_large_image_is_admitted_too(
    dispatcher: Dispatcher, scales: Scales, shop: Workshop
) -> None:
    result = asyncio.run(dispatcher.run_one(pipeline(), shop.item(0, LARGE)))
    assert result.error is None
    assert (scales.most, dispatcher.admission.load()) == (1, (0, 0))


def test_a_single_small_image_waits_for_nothing(
    dispatcher: Dispatcher, scales: Scales, shop: Workshop
) -> None:
    asyncio.run(dispatcher.run_one(pipeline(), shop.item(0, SMALL)))
    assert scales.most == 0


def test_who_does_not_wait_for_a_single_image_any_more_takes_nothing(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    ahead = dispatcher.admission.enter(BUDGET)

    async def giving_up() -> None:
        waiting = asyncio.create_task(dispatcher.run_one(pipeline(), shop.item(0, LARGE)))
        await asyncio.to_thread(until, lambda: dispatcher.admission.load()[1] == 1)
        waiting.cancel()
        await asyncio.wait({waiting})

    asyncio.run(giving_up())
    assert dispatcher.admission.load() == (BUDGET, 0)
    dispatcher.admission.leave(ahead)
    assert dispatcher.admission.load() == (0, 0)


# --- who is let in -----------------------------------------------------------------------------


def test_small_images_of_all_processes_take_a_quarter() -> None:
    assert small_bytes(1600, 2) * 2 * 2 == 400


def test_tickets_are_let_in_in_their_order_as_far_as_they_fit() -> None:
    admission = Admission(1600, 2)
    first, second, third = (admission.enter(weight) for weight in (800, 800, 10))
    assert [one.admitted.done() for one in (first, second, third)] == [True, False, False]
    admission.leave(first)
    assert [one.admitted.done() for one in (second, third)] == [True, True]
    assert admission.load() == (810, 0)


def test_who_is_waited_for_comes_first() -> None:
    admission = Admission(1600, 2)
    first, patient, urgent = (admission.enter(1000, urgent) for urgent in (False, False, True))
    admission.leave(first)
    assert (patient.admitted.done(), urgent.admitted.done()) == (False, True)


def test_their_number_is_bounded() -> None:
    admission = Admission(1600, 2)
    tickets = [admission.enter(1) for _ in range(6)]
    assert [one.admitted.done() for one in tickets] == [True] * 4 + [False] * 2


def test_a_ticket_that_is_withdrawn_makes_way() -> None:
    admission = Admission(1600, 2)
    first, second, third = (admission.enter(weight) for weight in (800, 800, 100))
    second.withdraw()
    admission.leave(second)
    assert third.admitted.done()
    first.withdraw()
    assert first.admitted.done()
    assert not first.admitted.cancelled()
