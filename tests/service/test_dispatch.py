"""Batches on real workers: groups, the window, and who is blamed when a worker dies."""

import asyncio
import gc
import os
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import aclosing, contextmanager
from pathlib import Path

import psutil
import pytest

from processors.errors import OutOfMemory
from processors.operation import Operation
from processors.operations.geometry import Resize
from processors.pipeline import Timings
from service.engine.base import (
    Engine,
    EngineClosed,
    EngineStatus,
    ItemResult,
    Task,
    TaskTimeout,
    WorkerCrashed,
    WorkItem,
)
from service.engine.dispatch import Dispatcher
from service.engine.grouping import MAX_GROUP, WAITING_MILLISECONDS, Grouping
from service.engine.killings import REMEMBERED_SECONDS, Killings
from service.engine.window import TASKS_A_WORKER
from service.storage import PathRefused
from service.transfer import FileSink, FileSource
from tests.plugins import Crash, DyingSink, Hang, Hoard, Record, Unlucky
from tests.workshop import PATIENCE, Gatekeeper, Workshop, local_engine, make_workshop, pipeline

WORKERS = 2
TIMEOUT = 1.0
WINDOW = TASKS_A_WORKER * WORKERS
POISON = 65
"""Width of the image that a trap is for; the others are 64 wide."""


class Recorder(Engine):
    """Notes what is submitted to the engine that it wraps, and how much was under way at once."""

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self._under_way = 0
        self._lock = threading.Condition()
        self.most = 0
        self.tasks: list[tuple[int, ...]] = []
        self.tasks_when_done: dict[int, int] = {}

    @property
    def workers(self) -> int:
        return self._inner.workers

    def reopen(self) -> None:
        self._inner.reopen()

    def start(self) -> None:
        self._inner.start()

    def status(self) -> EngineStatus:
        return self._inner.status()

    def close(self, timeout: float) -> None:
        self._inner.close(timeout)

    def submit(self, task: Task) -> Future[list[ItemResult]]:
        with self._lock:
            self.tasks.append(tuple(item.index for item in task.items))
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        future = self._inner.submit(task)
        future.add_done_callback(lambda _: self._end(task))
        return future

    def attempts(self, index: int) -> int:
        return sum(index in indexes for indexes in self.tasks)

    def wait_until_idle(self) -> None:
        with self._lock:
            assert self._lock.wait_for(lambda: self._under_way == 0, PATIENCE)

    def _end(self, task: Task) -> None:
        with self._lock:
            self._under_way -= 1
            for item in task.items:
                self.tasks_when_done[item.index] = len(self.tasks)
            self._lock.notify_all()


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return make_workshop(tmp_path_factory.mktemp("dispatch"))


@pytest.fixture(scope="module")
def engine(module_shop: Workshop) -> Iterator[Engine]:
    """One engine for the module: its workers are replaced as tests kill them."""
    with local_engine(module_shop, WORKERS, TIMEOUT) as made:
        yield made


@pytest.fixture
def shop(module_shop: Workshop) -> Workshop:
    """The workshop with no results in it."""
    for path in module_shop.out.iterdir():
        path.unlink()
    return module_shop


@pytest.fixture
def recorder(engine: Engine) -> Recorder:
    return Recorder(engine)


@pytest.fixture
def dispatcher(recorder: Recorder, shop: Workshop) -> Dispatcher:
    return Dispatcher(recorder, shop.storage, patience=0.5)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gatekeeper]:
    with Gatekeeper(tmp_path) as keeper:
        yield keeper


def run(dispatcher: Dispatcher, items: list[WorkItem], *steps: Operation) -> list[ItemResult]:
    """All results, in the order of the indexes."""

    async def collect() -> list[ItemResult]:
        return [result async for result in dispatcher.run(pipeline(*steps), items)]

    return sorted(asyncio.run(collect()), key=lambda result: result.index)


def with_poison(shop: Workshop, count: int = 101, at: int = 60) -> list[WorkItem]:
    return [shop.item(index, POISON if index == at else 64) for index in range(count)]


def result_taking(milliseconds: float) -> ItemResult:
    return ItemResult(0, timings=Timings(0, 0, 0, milliseconds))


# ------------------------------------------------------------------------- groups and window


def test_the_first_image_goes_alone() -> None:
    assert Grouping().size == 1


def test_small_images_are_grouped_to_the_milliseconds_of_a_task() -> None:
    grouping = Grouping()
    grouping.learn([result_taking(2.0)])
    assert grouping.size == Engine.task_milliseconds / 2


def test_images_that_a_store_takes_long_for_are_grouped_by_that() -> None:
    grouping = Grouping()
    grouping.learn([ItemResult(0, timings=Timings(0, 0, 0, 2.0), taken=WAITING_MILLISECONDS / 8)])
    assert grouping.size == 8


def test_groups_shrink_towards_the_end_so_that_workers_end_together() -> None:
    grouping = Grouping(workers=2, remaining=40)
    grouping.learn([result_taking(1.0)])
    sizes = []
    while sum(sizes) < 40:
        sizes.append(grouping.size)
        grouping.took(sizes[-1])
    assert sizes[0] == 10
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 4


def test_large_images_go_alone() -> None:
    grouping = Grouping()
    grouping.learn([result_taking(500.0)])
    assert grouping.size == 1


def test_no_group_is_larger_than_the_most() -> None:
    grouping = Grouping()
    grouping.learn([result_taking(0.0)])
    assert grouping.size == MAX_GROUP


def test_groups_shrink_when_images_grow() -> None:
    grouping = Grouping()
    grouping.learn([result_taking(1.0)])
    before = grouping.size
    grouping.learn([result_taking(100.0)] * 10)
    assert grouping.size < before


def test_failed_images_teach_nothing() -> None:
    grouping = Grouping()
    grouping.learn([ItemResult(0, error=OutOfMemory("no"))])
    assert grouping.size == 1


def test_a_batch_keeps_its_window_full_and_no_fuller(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop
) -> None:
    results = run(dispatcher, [shop.item(index) for index in range(400)])
    assert [result.index for result in results] == list(range(400))
    assert recorder.most == WINDOW
    assert max(map(len, recorder.tasks)) > 1


def test_items_are_read_as_the_window_moves(
    dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    read: list[int] = []

    def items() -> Iterator[WorkItem]:
        for index in range(50):
            read.append(index)
            yield shop.item(index)

    async def scenario() -> None:
        async with aclosing(dispatcher.run(pipeline(gate.step()), items())) as results:
            first = asyncio.ensure_future(anext(results))
            await asyncio.to_thread(gate.wait)
            assert len(read) == WINDOW
            gate.let(len(read))
            await first

    asyncio.run(scenario())


def test_a_batch_that_is_not_read_on_begins_no_further_task(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop
) -> None:
    async def scenario() -> int:
        items = [shop.item(index) for index in range(400)]
        async with aclosing(dispatcher.run(pipeline(), items)) as results:
            await anext(results)
        begun = len(recorder.tasks)
        await asyncio.to_thread(recorder.wait_until_idle)
        return begun

    begun = asyncio.run(scenario())
    assert len(recorder.tasks) == begun <= 2 * WINDOW


def test_two_batches_progress_together(dispatcher: Dispatcher, shop: Workshop) -> None:
    done: list[str] = []

    async def consume(name: str, start: int) -> None:
        items = [shop.item(index) for index in range(start, start + 300)]
        async for _ in dispatcher.run(pipeline(Resize(factor=2)), items):
            done.append(name)

    async def scenario() -> None:
        await asyncio.gather(consume("a", 0), consume("b", 1000))

    asyncio.run(scenario())
    first_half = done[: len(done) // 2]
    assert min(first_half.count("a"), first_half.count("b")) > 50


def test_a_single_image_waits_for_a_few_tasks_of_a_batch(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop
) -> None:
    async def scenario() -> None:
        items = [shop.item(index) for index in range(600)]
        async with aclosing(dispatcher.run(pipeline(Resize(factor=4)), items)) as results:
            await anext(results)
            single = asyncio.ensure_future(dispatcher.run_one(pipeline(), shop.item(9999)))
            async for _ in results:
                pass
            assert (await single).error is None

    asyncio.run(scenario())
    before = next(at for at, indexes in enumerate(recorder.tasks) if 9999 in indexes)
    assert recorder.tasks_when_done[9999] - before <= 2 * WINDOW < len(recorder.tasks) - before


# ------------------------------------------------------------------------------ one bad image


@pytest.mark.parametrize(
    ("trap", "error", "attempts"),
    [
        (Crash(width=POISON, how="segfault"), WorkerCrashed, 2),
        (Crash(width=POISON, how="kill"), WorkerCrashed, 2),
        (Hang(width=POISON), TaskTimeout, 2),
        (Hoard(width=POISON), OutOfMemory, 1),
    ],
    ids=["crash", "kill", "hang", "memory"],
)
def test_one_poisonous_image_fails_alone(
    trap: Operation,
    error: type[Exception],
    attempts: int,
    dispatcher: Dispatcher,
    recorder: Recorder,
    shop: Workshop,
) -> None:
    calm = run(dispatcher, [shop.item(0)])[0].outputs[0]
    expected = Path(calm.path).read_bytes()
    recorder.tasks.clear()
    results = run(dispatcher, with_poison(shop, at=60), trap)
    assert [result.index for result in results] == list(range(101))
    assert {r.index: type(r.error) for r in results if r.error is not None} == {60: error}
    outputs = [result.outputs[0].path for result in results if result.index != 60]
    assert all(Path(path).read_bytes() == expected for path in outputs)
    assert recorder.attempts(60) == attempts
    assert not (shop.out / "60.png").exists()
    assert not shop.leftovers()


def test_a_group_that_crashed_is_run_again_one_by_one(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop
) -> None:
    run(dispatcher, with_poison(shop, at=60), Crash(width=POISON, how="segfault"))
    (group,) = [indexes for indexes in recorder.tasks if 60 in indexes and len(indexes) > 1]
    assert {(index,) for index in group} <= set(recorder.tasks)


def test_an_image_that_crashes_alone_is_tried_twice(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    (result,) = run(dispatcher, [shop.item()], Record(path=str(log)), Crash(how="segfault"))
    assert isinstance(result.error, WorkerCrashed)
    assert len(log.read_text().split()) == 2


def test_images_that_kill_their_workers_do_not_excuse_one_another(
    dispatcher: Dispatcher, shop: Workshop, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    bad = {20, 21, 60, 95}
    items = [shop.item(index, POISON if index in bad else 64) for index in range(101)]
    steps = (Record(path=str(log)), Crash(width=POISON, how="kill"))
    results = run(dispatcher, items, *steps)
    assert {result.index for result in results if result.error is not None} == bad
    assert log.read_text().split().count(str(POISON)) == 2 * len(bad)


def test_an_image_is_not_blamed_for_a_kill_while_the_worker_was_at_another(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    dispatcher = Dispatcher(engine, shop.storage, patience=0)
    items = [shop.item(index, {60: POISON, 61: POISON + 1}.get(index, 64)) for index in range(101)]
    first = Unlucky(width=POISON, path=str(tmp_path / "first"))
    second = Unlucky(width=POISON + 1, path=str(tmp_path / "second"))
    results = run(dispatcher, items, first, second)
    assert [result.index for result in results if result.error is not None] == []


def unlucky_thrice(shop: Workshop, folder: Path) -> Unlucky:
    shop.image(POISON)
    return Unlucky(width=POISON, path=str(folder / "thrice"), times=3)


def test_an_image_whose_worker_is_killed_thrice_is_done_when_others_are_killed_too(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop, tmp_path: Path
) -> None:
    items = [shop.item(0, POISON), shop.item(1, POISON + 1)]
    other = Unlucky(width=POISON + 1, path=str(tmp_path / "once"))
    results = run(dispatcher, items, unlucky_thrice(shop, tmp_path), other)
    assert [result.error for result in results] == [None, None]
    assert (recorder.attempts(0), recorder.attempts(1)) == (4, 2)


def test_an_image_whose_worker_is_killed_thrice_is_at_fault_when_no_other_is(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop, tmp_path: Path
) -> None:
    items = [shop.item(0, POISON), shop.item(1)]
    results = run(dispatcher, items, unlucky_thrice(shop, tmp_path))
    assert [type(result.error) for result in results] == [WorkerCrashed, type(None)]
    assert recorder.attempts(0) == 2


def test_an_image_is_not_blamed_for_kills_that_cost_it_its_pool(
    shop: Workshop, gate: Gatekeeper, tmp_path: Path
) -> None:
    grab = Unlucky(width=POISON, path=str(tmp_path / "grabs"), times=9, holding=True)
    items = [shop.item(0, POISON), shop.item(1)]
    with (
        local_engine(shop, WORKERS, PATIENCE) as engine,
        Gatekeeper(tmp_path) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        dispatcher = Dispatcher(engine, shop.storage, patience=0)
        steps = (gate.step(POISON), grab, other.step(64))
        running = thread.submit(run, dispatcher, items, *steps)
        for _ in range(2):
            gate.wait()
            other.wait()
            gate.let(1)
        other.let(9)  # one may go to a worker that is about to be ended
        gate.let(9)  # a kill that is seen by the broken pool first is no attempt of anybody's
        results = running.result(PATIENCE)
    assert [type(result.error) for result in results] == [WorkerCrashed, type(None)]


def test_a_kill_from_outside_is_remembered_for_a_short_time() -> None:
    moment = [100.0]
    killings = Killings(lambda: moment[0])
    assert not asyncio.run(killings.happen(0))
    killings.proved()
    moment[0] += REMEMBERED_SECONDS - 1
    assert asyncio.run(killings.happen(0))
    moment[0] += 2
    assert not asyncio.run(killings.happen(0))


def test_an_image_that_must_not_be_repeated_is_alone_and_done_once(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    items = with_poison(shop, at=60)
    items[60] = shop.item(60, POISON, repeatable=False)
    results = run(dispatcher, items, Record(path=str(log)), Crash(width=POISON, how="segfault"))
    assert [result.index for result in results if result.error is not None] == [60]
    assert [indexes for indexes in recorder.tasks if 60 in indexes] == [(60,)]
    assert log.read_text().split().count(str(POISON)) == 1


def test_an_operation_that_hangs_is_not_repeated_alone(
    dispatcher: Dispatcher, recorder: Recorder, shop: Workshop
) -> None:
    (result,) = run(dispatcher, [shop.item()], Hang())
    assert isinstance(result.error, TaskTimeout)
    assert recorder.attempts(0) == 1


def dying_item(shop: Workshop) -> WorkItem:
    return WorkItem(0, FileSource(shop.image()), DyingSink(str(shop.out / "0.png")))


def test_a_worker_killed_while_it_writes_leaves_a_temporary_file(
    engine: Engine, shop: Workshop
) -> None:
    task = shop.task(items=[dying_item(shop)])
    assert isinstance(engine.submit(task).exception(PATIENCE), WorkerCrashed)
    assert [path.name for path in shop.leftovers()] == [f".{task.token}.part"]


def test_temporary_files_of_killed_workers_are_removed(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    (result,) = run(dispatcher, [dying_item(shop)])
    assert isinstance(result.error, WorkerCrashed)
    assert list(shop.out.iterdir()) == []


def test_a_crash_beside_an_output_that_is_refused_fails_the_two_alone(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    items = with_poison(shop, at=60)
    items[61] = WorkItem(61, FileSource(shop.image()), FileSink("/refused/61.png"))
    results = run(dispatcher, items, Crash(width=POISON, how="segfault"))
    failed = {r.index: type(r.error) for r in results if r.error is not None}
    assert failed == {60: WorkerCrashed, 61: PathRefused}


# ------------------------------------------------------------------------------- from outside


@contextmanager
def killer(workers: set[int], seconds: float) -> Iterator[list[int]]:
    """SIGKILL a random one of `workers` or of those that replace them, every so many seconds."""
    parent = psutil.Process(min(workers)).parent()
    assert parent is not None
    others = {child.pid for child in parent.children()} - workers
    killed: list[int] = []
    stopped = threading.Event()

    def kill() -> None:
        while not stopped.wait(seconds):
            victims = [child.pid for child in parent.children() if child.pid not in others]
            for victim in random.sample(victims, min(1, len(victims))):
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stopped.set()
        thread.join()


def worker_ids(engine: Engine, shop: Workshop, gate: Gatekeeper) -> set[int]:
    held = [engine.submit(shop.task(gate.step())) for _ in range(engine.workers)]
    found = {gate.wait() for _ in held}
    gate.let(len(held))
    assert not wait(held, PATIENCE).not_done
    return found


SLOW = (Resize(factor=24), Resize(factor=0.1))


def test_a_batch_survives_workers_that_are_killed_at_random(
    engine: Engine, dispatcher: Dispatcher, shop: Workshop, gate: Gatekeeper
) -> None:
    items = [shop.item(index, width=70 + index % 7) for index in range(300)]
    calm = [Path(r.outputs[0].path) for r in run(dispatcher, items[:7], *SLOW)]
    expected = [path.read_bytes() for path in calm]
    with killer(worker_ids(engine, shop, gate), 0.2) as killed:
        results = run(dispatcher, items, *SLOW)
    assert len(killed) >= 3
    assert [result.index for result in results if result.error is not None] == []
    for result in results:
        assert Path(result.outputs[0].path).read_bytes() == expected[result.index % 7]
    assert not shop.leftovers()


def test_closing_the_engine_ends_a_batch_and_no_error_is_lost(
    shop: Workshop, gate: Gatekeeper
) -> None:
    lost: list[dict[str, object]] = []

    async def scenario(engine: Engine) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        dispatcher = Dispatcher(engine, shop.storage)
        items = [shop.item(index) for index in range(50)]
        async with aclosing(dispatcher.run(pipeline(gate.step()), items)) as results:
            first = asyncio.ensure_future(anext(results))
            await asyncio.to_thread(gate.wait)
            await asyncio.to_thread(engine.close, 0)
            with pytest.raises(EngineClosed):
                await first
        del first
        gc.collect()

    with local_engine(shop, WORKERS, PATIENCE) as engine:
        asyncio.run(scenario(engine))
    gc.collect()
    assert lost == []
