"""What every engine promises in service/engine/base.py. An engine is one more entry in ENGINES."""

import os
import signal
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import psutil
import pytest

from processors.errors import DamagedImage, OutOfMemory, StepFailed
from processors.operation import Operation
from service.engine.base import (
    Engine,
    EngineClosed,
    ItemResult,
    TaskTimeout,
    WorkerCrashed,
    WorkItem,
)
from service.storage import SourceNotFound
from service.transfer import FileSink, FileSource
from tests.cluster import DaskCluster, dask_engine
from tests.plugins import Confess, Crash, Hang, Hoard, HoardingSource, Leave
from tests.workshop import (
    MEMORY,
    PATIENCE,
    Gatekeeper,
    Workshop,
    local_engine,
    make_workshop,
)

WORKERS = 2
TIMEOUT = 1.0
STOPPING = 5.0
"""Seconds that stopping a worker may take, one that is deaf to SIGTERM included."""

Outcome = Future[list[ItemResult]]
OpenEngine = Callable[[Workshop, int, float], AbstractContextManager[Engine]]


class MakeEngine(Protocol):
    def __call__(self, timeout: float = PATIENCE) -> Engine: ...


@contextmanager
def local(_: Path) -> Iterator[OpenEngine]:
    yield local_engine


@contextmanager
def dask(folder: Path) -> Iterator[OpenEngine]:
    """Engines of one cluster, whose processes are there for all tests."""
    with DaskCluster(folder, WORKERS) as cluster:
        yield partial(dask_engine, cluster=cluster)


ENGINES: dict[str, Callable[[Path], AbstractContextManager[OpenEngine]]] = {
    "local": local,
    "dask": dask,
}


@pytest.fixture(scope="module", params=ENGINES)
def open_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenEngine]:
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as opener:
        yield opener


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return make_workshop(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def engine(open_engine: OpenEngine, shop: Workshop) -> Iterator[Engine]:
    """One engine for all tests that do not close it: each finds it as the one before left it."""
    with open_engine(shop, WORKERS, TIMEOUT) as made:
        yield made


@pytest.fixture
def make_engine(open_engine: OpenEngine, shop: Workshop) -> Iterator[MakeEngine]:
    with ExitStack() as stack:
        yield lambda timeout=PATIENCE: stack.enter_context(open_engine(shop, WORKERS, timeout))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gatekeeper]:
    with Gatekeeper(tmp_path) as keeper:
        yield keeper


def run(engine: Engine, shop: Workshop, *steps: Operation) -> ItemResult:
    """The result of one small image."""
    return engine.submit(shop.task(*steps)).result(PATIENCE)[0]


def error_of(engine: Engine, shop: Workshop, *steps: Operation) -> BaseException | None:
    return engine.submit(shop.task(*steps)).exception(PATIENCE)


def worker_ids(engine: Engine, shop: Workshop, gate: Gatekeeper) -> set[int]:
    """The process ids of all workers, each of which is held for a moment."""
    held = [engine.submit(shop.task(gate.step())) for _ in range(engine.workers)]
    found = {gate.wait() for _ in held}
    gate.let(len(held))
    assert not wait(held, PATIENCE).not_done
    return found


def wait_for(condition: Callable[[], bool], seconds: float = STOPPING) -> bool:
    """Whether it comes true in time; for what the system tells nobody of."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


# --------------------------------------------------------------------------------- results


def test_a_result_says_what_was_written(engine: Engine, shop: Workshop) -> None:
    result = run(engine, shop)
    assert result.error is None
    (output,) = result.outputs
    assert (output.width, output.height, output.format) == (64, 48, "png")
    assert Path(output.path).stat().st_size == output.bytes


def test_results_of_a_task_are_in_the_order_of_its_items(engine: Engine, shop: Workshop) -> None:
    indexes = (7, 3, 11, 0, 5)
    items = [shop.item(index, width=64 + index) for index in indexes]
    results = engine.submit(shop.task(items=items)).result(PATIENCE)
    assert [result.index for result in results] == list(indexes)
    assert [result.outputs[0].width for result in results] == [64 + index for index in indexes]


def test_a_fault_of_an_image_is_a_result_and_the_others_are_done(
    engine: Engine, shop: Workshop
) -> None:
    missing = WorkItem(1, FileSource(str(shop.root / "none.png")), FileSink("unused.png"))
    task = shop.task(items=[shop.item(0), missing, shop.item(2)])
    errors = [result.error for result in engine.submit(task).result(PATIENCE)]
    assert [type(error) for error in errors] == [type(None), SourceNotFound, type(None)]


def test_threads_without_an_event_loop_may_submit(engine: Engine, shop: Workshop) -> None:
    with ThreadPoolExecutor(8) as threads:
        tasks = [shop.task(items=[shop.item(index)]) for index in range(40)]
        futures = list(threads.map(engine.submit, tasks))
        results = [future.result(PATIENCE)[0] for future in futures]
    assert [result.index for result in results] == list(range(40))
    assert all(result.error is None for result in results)


# ---------------------------------------------------------------------------------- start


def test_starting_twice_keeps_the_workers(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    engine.start()
    first = worker_ids(engine, shop, gate)
    engine.start()
    assert worker_ids(engine, shop, gate) == first
    assert len(first) == WORKERS


def test_the_first_task_starts_the_engine(make_engine: MakeEngine, shop: Workshop) -> None:
    engine = make_engine()
    assert not engine.status().running
    assert run(engine, shop).error is None
    assert engine.status().running


def test_workers_have_one_opencv_thread_and_limited_memory(engine: Engine, shop: Workshop) -> None:
    error = run(engine, shop, Confess()).error
    assert isinstance(error, StepFailed)
    _, threads, memory = error.detail.split()
    assert (threads, memory) == ("1", str(MEMORY))


# --------------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("how", ["kill", "abort", "segfault", "exit"])
def test_a_crash_fails_its_own_task_and_no_other(
    engine: Engine, shop: Workshop, how: Literal["kill", "abort", "segfault", "exit"]
) -> None:
    before = [engine.submit(shop.task()) for _ in range(4)]
    crash = engine.submit(shop.task(Crash(how=how)))
    after = [engine.submit(shop.task()) for _ in range(4)]
    assert isinstance(crash.exception(PATIENCE), WorkerCrashed)
    assert [future.exception(PATIENCE) for future in (*before, *after)] == [None] * 8


def test_a_crash_tells_which_image_the_worker_was_at(engine: Engine, shop: Workshop) -> None:
    items = [shop.item(index, width=70 if index == 2 else 64) for index in range(4)]
    error = engine.submit(shop.task(Crash(width=70, how="kill"), items=items)).exception(PATIENCE)
    assert isinstance(error, WorkerCrashed)
    assert error.position == 2


def test_a_crash_tells_the_signal(engine: Engine, shop: Workshop) -> None:
    assert f"signal {signal.SIGSEGV.value}" in str(error_of(engine, shop, Crash(how="segfault")))


def test_an_operation_that_exits_fails_its_image_alone(engine: Engine, shop: Workshop) -> None:
    task = shop.task(Leave(width=65), items=[shop.item(0), shop.item(1, 65), shop.item(2)])
    errors = [result.error for result in engine.submit(task).result(PATIENCE)]
    assert [type(error) for error in errors] == [type(None), StepFailed, type(None)]


def test_workers_killed_while_idle_are_replaced(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    killed = worker_ids(engine, shop, gate)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: not any(map(psutil.pid_exists, killed)))
    assert wait_for(lambda: error_of(engine, shop) is None)
    assert not worker_ids(engine, shop, gate) & killed


def test_workers_killed_while_busy_fail_their_tasks_and_are_replaced(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    busy = [engine.submit(shop.task(gate.step())) for _ in range(WORKERS)]
    for pid in [gate.wait() for _ in busy]:
        os.kill(pid, signal.SIGKILL)
    assert all(isinstance(future.exception(PATIENCE), WorkerCrashed) for future in busy)
    assert wait_for(lambda: error_of(engine, shop) is None)


def test_every_task_ends_while_all_workers_are_killed_again_and_again(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    futures: list[Outcome] = []
    for _ in range(6):
        for pid in worker_ids(engine, shop, gate):
            os.kill(pid, signal.SIGKILL)
        futures += [engine.submit(shop.task()) for _ in range(20)]
        assert not wait(futures, PATIENCE).not_done
    errors = [future.exception() for future in futures]
    assert {type(error) for error in errors} <= {type(None), WorkerCrashed}
    assert run(engine, shop).error is None


# ----------------------------------------------------------------------------------- hangs


@pytest.mark.parametrize("how", ["python", "native", "deaf"])
def test_a_hang_ends_as_a_timeout_and_the_worker_is_replaced(
    engine: Engine, shop: Workshop, how: Literal["python", "native", "deaf"]
) -> None:
    started = time.monotonic()
    hang = engine.submit(shop.task(Hang(how=how)))
    other = engine.submit(shop.task())
    assert other.result(PATIENCE)[0].error is None
    assert isinstance(hang.exception(PATIENCE), TaskTimeout)
    assert TIMEOUT <= time.monotonic() - started < TIMEOUT + STOPPING
    assert all(engine.submit(shop.task()).exception(PATIENCE) is None for _ in range(2 * WORKERS))


def test_waiting_does_not_count_as_time_of_a_task(engine: Engine, shop: Workshop) -> None:
    hangs = [engine.submit(shop.task(Hang())) for _ in range(WORKERS)]
    waiting = engine.submit(shop.task())
    assert waiting.exception(PATIENCE) is None
    assert all(isinstance(hang.exception(PATIENCE), TaskTimeout) for hang in hangs)


# ---------------------------------------------------------------------------------- memory


def test_a_step_that_needs_too_much_memory_is_a_result_and_the_worker_lives(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    workers = worker_ids(engine, shop, gate)
    for _ in range(2 * WORKERS):
        assert isinstance(run(engine, shop, Hoard()).error, OutOfMemory)
    assert run(engine, shop).error is None
    assert worker_ids(engine, shop, gate) == workers


def test_an_image_that_needs_too_much_memory_to_read_is_a_result(
    engine: Engine, shop: Workshop
) -> None:
    hoarding = WorkItem(1, HoardingSource(shop.image()), FileSink(str(shop.out / "never.png")))
    task = shop.task(items=[shop.item(0), hoarding, shop.item(2)])
    errors = [result.error for result in engine.submit(task).result(PATIENCE)]
    assert [type(error) for error in errors] == [type(None), OutOfMemory, type(None)]


def png_bomb(path: Path, width: int, height: int) -> WorkItem:
    """A PNG of a few bytes whose header asks for 16-bit RGBA pixels in any number."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    return WorkItem(0, FileSource(str(path)), FileSink(str(path.parent / "out" / "bomb.png")))


def test_a_png_bomb_is_a_result_and_the_worker_lives(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    workers = worker_ids(engine, shop, gate)
    bomb = png_bomb(shop.root / "bomb.png", 7000, 7000)
    result = engine.submit(shop.task(items=[bomb])).result(PATIENCE)[0]
    assert isinstance(result.error, OutOfMemory | DamagedImage)
    assert not result.outputs
    assert worker_ids(engine, shop, gate) == workers


# ---------------------------------------------------------------------------------- cancel


def test_cancelling_a_waiting_task_drops_it(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    held = [engine.submit(shop.task(gate.step())) for _ in range(WORKERS)]
    for _ in held:
        gate.wait()
    # What was handed out already may take a moment to be dropped.
    behind = [engine.submit(shop.task()) for _ in range(WORKERS)]
    waiting = engine.submit(shop.task(items=[shop.item(900)]))
    assert waiting.cancel()
    assert waiting.cancelled()
    gate.let(WORKERS)
    assert all(future.exception(PATIENCE) is None for future in (*held, *behind))
    assert run(engine, shop).error is None
    assert not (shop.out / "900.png").exists()


def test_cancelling_a_running_task_stops_its_worker(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    running = engine.submit(shop.task(gate.step()))
    worker = gate.wait()
    assert running.cancel()
    with pytest.raises(CancelledError):
        running.result(0)
    assert wait_for(lambda: not psutil.pid_exists(worker))
    assert run(engine, shop).error is None


# ----------------------------------------------------------------------------------- close


def test_status_counts_what_runs_and_what_waits(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    held = [engine.submit(shop.task(gate.step())) for _ in range(WORKERS + 3)]
    for _ in range(WORKERS):
        gate.wait()
    assert wait_for(lambda: engine.status().busy == WORKERS)
    status = engine.status()
    assert (status.running, status.workers, status.queued) == (True, WORKERS, 3)
    gate.let(len(held))
    assert not wait(held, PATIENCE).not_done
    assert (engine.status().busy, engine.status().queued) == (0, 0)


def test_closing_lets_running_tasks_finish_and_ends_waiting_ones(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    held = [engine.submit(shop.task(gate.step())) for _ in range(WORKERS)]
    for _ in held:
        gate.wait()
    waiting = {n: engine.submit(shop.task(items=[shop.item(n)])) for n in range(901, 905)}
    with ThreadPoolExecutor(1) as thread:
        closing = thread.submit(engine.close, PATIENCE)
        assert isinstance(waiting[904].exception(PATIENCE), EngineClosed)
        gate.let(WORKERS)
        assert all(task.exception(PATIENCE) is None for task in held)
        closing.result(PATIENCE)
    # An engine may have handed one out already; what it says of each is what it did.
    done = {n for n, task in waiting.items() if task.exception(0) is None}
    assert done == {n for n in waiting if (shop.out / f"{n}.png").exists()}


def test_closing_stops_what_runs_too_long_and_leaves_no_worker(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    workers = worker_ids(engine, shop, gate)
    hangs = [engine.submit(shop.task(Hang(how="native"))) for _ in range(WORKERS)]
    assert wait_for(lambda: engine.status().busy == WORKERS)
    engine.close(0.1)
    assert all(isinstance(hang.exception(0), EngineClosed) for hang in hangs)
    assert not any(map(psutil.pid_exists, workers))


def test_closing_after_a_crash_leaves_no_process_behind(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    engine.start()
    before = worker_ids(engine, shop, gate)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: error_of(engine, shop) is None)
    after = worker_ids(engine, shop, gate)
    engine.close(1)
    assert not any(map(psutil.pid_exists, before | after))


def test_closing_twice_is_closing_once(make_engine: MakeEngine) -> None:
    engine = make_engine()
    engine.start()
    engine.close(1)
    engine.close(1)
    assert not engine.status().running


def test_a_closed_engine_takes_no_task(make_engine: MakeEngine, shop: Workshop) -> None:
    engine = make_engine()
    engine.close(0)
    with pytest.raises(EngineClosed):
        engine.submit(shop.task())
    with pytest.raises(EngineClosed):
        engine.start()


def test_a_reopened_engine_takes_tasks_again(make_engine: MakeEngine, shop: Workshop) -> None:
    engine = make_engine()
    engine.start()
    engine.close(1)
    engine.reopen()
    assert error_of(engine, shop) is None


def test_reopening_an_open_engine_keeps_its_workers(
    make_engine: MakeEngine, shop: Workshop, gate: Gatekeeper
) -> None:
    engine = make_engine()
    before = worker_ids(engine, shop, gate)
    engine.reopen()
    assert worker_ids(engine, shop, gate) == before
