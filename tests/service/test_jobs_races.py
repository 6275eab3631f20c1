"""Jobs when two things happen at once: an owner who is too late, an end while somebody looks."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchRequest
from schemas.jobs import ENDED
from service.engine.base import Engine, EngineStatus, ItemResult, Task
from service.engine.dispatch import Dispatcher
from service.jobs import runner as running
from service.jobs.expansion import BatchImage
from service.jobs.runner import JobRunner
from service.jobs.running import JobImages
from service.jobs.stored import JobWork, new_job, now
from service.jobs.unchanged import Unchanged
from service.jobs.webhooks import WebhookCaller
from service.routers.jobs import _events
from service.storage import Storage
from service.store.base import JobStore, Store
from service.store.jobs import StoredImage, StoredJob
from service.views import stored_result
from tests.conftest import services
from tests.live import until
from tests.service.labyrinths import labyrinth
from tests.stores import KINDS, run, store_of, url_of

PATIENCE = 20.0


class HeldEngine(Engine):
    """Takes tasks, which the test ends."""

    workers = 1

    def __init__(self) -> None:
        self.tasks: queue.SimpleQueue[tuple[Task, Future[list[ItemResult]]]] = queue.SimpleQueue()

    def start(self) -> None: ...

    def reopen(self) -> None: ...

    def status(self) -> EngineStatus:
        return EngineStatus(True, 1, 0, self.tasks.qsize())

    def close(self, timeout: float) -> None: ...

    def submit(self, task: Task) -> Future[list[ItemResult]]:
        future: Future[list[ItemResult]] = Future()
        self.tasks.put((task, future))
        return future

    def begun(self) -> Future[list[ItemResult]]:
        """Wait for a task; its future, which is given its results by `end`."""
        task, future = self.tasks.get(timeout=PATIENCE)
        self.results = [ItemResult(item.index) for item in task.items]
        return future

    def end(self, future: Future[list[ItemResult]]) -> None:
        future.set_result(self.results)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = store_of(url_of(request.param, tmp_path, request))
    yield opened
    run(opened.close())


@pytest.fixture
def jobs(store: Store) -> JobStore:
    return store.jobs


@pytest.fixture
def engine() -> HeldEngine:
    return HeldEngine()


@pytest.fixture
def runner(store: Store, engine: HeldEngine, tmp_path: Path) -> Iterator[JobRunner]:
    made = runner_of(store, engine, tmp_path)
    yield made
    made.stop(PATIENCE)


def runner_of(store: Store, engine: Engine, folder: Path, render=stored_result) -> JobRunner:  # type: ignore[no-untyped-def]
    storage = Storage([folder], [folder], 1 << 20)
    dispatcher = Dispatcher(engine, storage)
    images = JobImages(storage, 1000, Unchanged(store.outputs, 1000.0))
    webhooks = WebhookCaller(lambda job: b"")
    return JobRunner(store.jobs, dispatcher, render, webhooks, 1000.0, images)


def job_of(request: dict[str, object]) -> tuple[StoredJob, list[StoredImage]]:
    nowhere = Storage([], [], 0)
    return new_job(BatchRequest.model_validate(request), None, nowhere, 1000)


def create(jobs: JobStore, count: int = 1) -> str:
    images = [{"input": f"{n}.jpg", "output": f"{n}.png"} for n in range(count)]
    return run(jobs.create(*job_of({"images": images}))).id


def create_search(jobs: JobStore, pattern: str, output: str = "{index}.png") -> str:
    return run(jobs.create(*job_of({"images": [{"input": pattern, "output": output}]}))).id


def wait_for(jobs: JobStore, id: str, state: str) -> StoredJob:
    until(lambda: run(jobs.get(id)).state == state)
    return run(jobs.get(id))


def wait_for_end(jobs: JobStore, id: str) -> StoredJob:
    until(lambda: run(jobs.get(id)).state in ENDED)
    return run(jobs.get(id))


def test_a_job_that_is_cancelled_while_its_process_is_dead_is_not_begun(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine
) -> None:
    id = create(jobs)
    assert run(jobs.claim("dead", now() - 2, now() - 1)) is not None
    assert run(jobs.cancel(id, now())).cancelling
    runner.start()
    assert wait_for(jobs, id, "cancelled").cancelling is False
    assert engine.tasks.empty()


def test_a_job_that_is_cancelled_while_its_process_is_dead_searches_nothing(
    jobs: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    id = create_search(jobs, f"{tmp_path}/*.none")
    assert run(jobs.claim("dead", now() - 2, now() - 1)) is not None
    run(jobs.cancel(id, now()))
    runner.start()
    assert wait_for_end(jobs, id).state == "cancelled"


def test_a_job_is_cancelled_in_the_middle_of_its_search(
    jobs: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    id = create_search(jobs, labyrinth(tmp_path / "labyrinth"))
    runner.start()
    wait_for(jobs, id, "running")
    run(jobs.cancel(id, now()))
    runner.hurry()
    assert wait_for_end(jobs, id).state == "cancelled"


def test_a_process_that_stops_leaves_a_search_to_another(
    jobs: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    id = create_search(jobs, labyrinth(tmp_path / "labyrinth"))
    runner.start()
    wait_for(jobs, id, "running")
    runner.stop(PATIENCE)
    job = run(jobs.get(id))
    assert (job.state, job.owner) == ("queued", None)


def test_searches_do_not_hold_up_other_jobs(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine, tmp_path: Path
) -> None:
    pattern = labyrinth(tmp_path / "labyrinth")
    searching = [create_search(jobs, pattern) for _ in range(running.MOST_JOBS)]
    runner.start()
    for id in searching:
        wait_for(jobs, id, "running")
    plain, images = job_of({"images": [{"input": "0.jpg", "output": "0.png"}]})
    runner.lease(plain)
    runner.take(run(jobs.create(plain, images)))
    engine.end(engine.begun())
    assert wait_for(jobs, plain.id, "completed").succeeded == 1


def test_what_a_killed_server_left_in_a_folder_with_braces_is_removed(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "{a}"
    folder.mkdir()
    (folder / "0.jpg").touch()
    id = create_search(jobs, f"{folder}/*.jpg", "{parent}/{stem}_{width}.png")
    left = folder / f".{id}-0.part"
    left.touch()
    run(jobs.claim("killed", now() - 2, now() - 1))
    runner.start()
    task = engine.begun()
    assert not left.exists()
    engine.end(task)
    wait_for(jobs, id, "completed")


def test_a_cancel_is_seen_at_once(jobs: JobStore, runner: JobRunner, engine: HeldEngine) -> None:
    id = create(jobs, 9)
    runner.start()
    first, second = engine.begun(), engine.begun()
    run(jobs.cancel(id, now()))
    claimed = run(jobs.get(id)).lease_until
    runner.hurry()
    until(lambda: run(jobs.get(id)).lease_until != claimed, running.LEASE_SECONDS / 6)
    first.set_result([ItemResult(0)])
    second.set_result([ItemResult(1)])
    assert wait_for(jobs, id, "cancelled").succeeded == 2
    assert engine.tasks.empty()


def test_an_image_is_done_once_though_the_lease_lapsed_unnoticed(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine
) -> None:
    id = create(jobs)
    runner.start()
    task = engine.begun()
    run(jobs.renew(id, run(jobs.get(id)).owner or "", 0))
    until(lambda: run(jobs.get(id)).lease_until > 0)
    engine.end(task)
    assert wait_for(jobs, id, "completed").succeeded == 1
    assert engine.tasks.empty()


def test_a_process_that_stops_keeps_its_leases_until_its_images_are_done(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LEASE_SECONDS", 1.5)
    id = create(jobs)
    runner.start()
    task = engine.begun()
    stopping = threading.Thread(target=runner.stop, args=(PATIENCE,))
    stopping.start()
    lapses = run(jobs.get(id)).lease_until
    until(lambda: now() > lapses)
    assert run(jobs.claim("other", now(), now() + 1)) is None
    engine.end(task)
    stopping.join(PATIENCE)
    assert wait_for(jobs, id, "completed").succeeded == 1


def test_a_clock_that_is_set_back_does_not_keep_a_lease_from_being_renewed(
    jobs: JobStore, runner: JobRunner, engine: HeldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = create(jobs)
    runner.start()
    task = engine.begun()
    hour = 3_600_000_000
    monkeypatch.setattr(running, "now", lambda: now() - hour)
    until(lambda: run(jobs.get(id)).lease_until < now() - hour // 2)
    engine.end(task)
    assert wait_for(jobs, id, "completed").succeeded == 1


def test_a_job_that_cannot_be_run_fails_and_is_not_tried_again_and_again(
    store: Store, engine: HeldEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = store.jobs

    def render(image: BatchImage, result: ItemResult, work: JobWork) -> tuple[str, str]:
        raise KeyError(image.input)

    id = create(jobs)
    runner = runner_of(store, engine, tmp_path, render)
    runner.start()
    engine.end(engine.begun())
    job = wait_for(jobs, id, "failed")
    runner.stop(PATIENCE)
    assert job.error is not None
    assert "log" in job.error
    assert "KeyError" in caplog.text


def test_a_job_without_images_is_completed(jobs: JobStore, runner: JobRunner) -> None:
    images = [{"input": "0.jpg", "output": "0.png"}]
    job, _ = job_of({"images": images})
    run(jobs.create(replace(job, total=0), []))
    runner.start()
    assert wait_for(jobs, job.id, "completed").succeeded == 0


def test_a_job_that_is_retried_forgets_that_it_was_cancelled(jobs: JobStore) -> None:
    id = create(jobs)
    run(jobs.claim("me", now(), now() + 10_000_000))
    run(jobs.cancel(id, now()))
    run(jobs.release(id, "me"))
    assert run(jobs.cancel(id, now())).state == "cancelled"
    assert run(jobs.retry(id)).state == "queued"
    claimed = run(jobs.claim("me", now(), now() + 10_000_000))
    assert claimed is not None
    assert not claimed.cancelling


def test_a_running_job_is_not_retried(jobs: JobStore) -> None:
    id = create(jobs)
    run(jobs.claim("me", now(), now() + 10_000_000))
    job = run(jobs.retry(id))
    assert (job.state, job.owner) == ("running", "me")


def test_events_of_a_job_that_is_forgotten_end(stored: TestClient) -> None:
    found = services(stored.app)  # type: ignore[arg-type]
    store = found.store.jobs
    id = create(store)

    wait_for(store, id, "completed")

    async def scenario() -> list[str]:
        events = _events(found, id, 0)
        first = [await anext(events)]
        assert await store.expire(now() + 1) >= 1
        return first + [event async for event in events]

    assert "event: " in run(scenario())[0]


def test_who_stops_watching_a_job_leaves_nothing_behind(runner: JobRunner) -> None:
    watching = [runner.changed("job") for _ in range(3)]
    assert len(runner._watched[("job", "changed")]) == 3
    for future in watching:
        future.cancel()
    assert not runner._watched
