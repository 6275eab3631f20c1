"""What every store keeps to with jobs: one owner at a time, each result once, nothing lost."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.store.base import JobStore, NotStored, Store
from service.store.errors import JobNotEnded, KeyReused, LeaseLost, QueueFull
from service.store.jobs import IMAGES_A_CHUNK, StoredJob, StoredResult
from tests.stores import KINDS, run, store_of, url_of

IMAGES = [[f"in/{n}.jpg", f"out/é {n}.jpg"] for n in range(5)]
SOON, LATER = 1_000, 2_000


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = store_of(url_of(request.param, tmp_path, request))
    yield opened
    run(opened.close())


@pytest.fixture
def jobs(store: Store) -> JobStore:
    return store.jobs


def job(number: int = 1, **values: object) -> StoredJob:
    made = StoredJob(f"job{number}", "queued", number, len(IMAGES), '{"operations": []}')
    return replace(made, **values)  # type: ignore[arg-type]


def result(seq: int, index: int, status: str = "succeeded") -> StoredResult:
    content = f'{{"index": {index}}}'
    return StoredResult(seq, index, status, 100, content, 300)  # type: ignore[arg-type]


def claimed(jobs: JobStore, owner: str = "me", now: int = 10, until: int = SOON) -> StoredJob:
    found = run(jobs.claim(owner, now, until))
    assert found is not None
    return found


def test_a_job_comes_back_with_its_images(jobs: JobStore) -> None:
    made = run(jobs.create(job(), IMAGES))
    assert made == job()
    assert run(jobs.get("job1")) == job()
    assert run(jobs.images("job1", 0)) == IMAGES
    assert run(jobs.images("job1", 1)) == []


def test_a_job_is_given_its_images_by_its_owner(jobs: JobStore) -> None:
    run(jobs.create(job(total=0), []))
    claimed(jobs)
    for images in (IMAGES[:2], IMAGES):  # the second time for who died in the middle of the first
        given = run(jobs.expand("job1", "me", images, '{"expanded": true}'))
        assert (given.total, given.request) == (len(images), '{"expanded": true}')
    assert run(jobs.images("job1", 0)) == IMAGES
    with pytest.raises(LeaseLost):
        run(jobs.expand("job1", "another", [], "{}"))
    assert run(jobs.images("job1", 0)) == IMAGES
    assert run(jobs.get("job1")).total == len(IMAGES)


def test_images_are_kept_in_chunks(jobs: JobStore) -> None:
    images = [[f"{n}", f"{n}.jpg"] for n in range(2 * IMAGES_A_CHUNK + 1)]
    run(jobs.create(job(total=len(images)), images))
    chunks = [run(jobs.images("job1", chunk)) for chunk in range(4)]
    assert [len(chunk) for chunk in chunks] == [IMAGES_A_CHUNK, IMAGES_A_CHUNK, 1, 0]
    assert [pair for chunk in chunks for pair in chunk] == images


def test_a_key_stands_for_one_job(jobs: JobStore) -> None:
    first = run(jobs.create(job(1, key="k", digest="d"), IMAGES))
    assert run(jobs.create(job(2, key="k", digest="d"), IMAGES)) == first
    assert [one.id for one in run(jobs.page(None, None, 9))] == ["job1"]
    assert run(jobs.images("job2", 0)) == []


def test_a_key_does_not_stand_for_another_request(jobs: JobStore) -> None:
    run(jobs.create(job(1, key="k", digest="d"), IMAGES))
    with pytest.raises(KeyReused, match="Idempotency-Key"):
        run(jobs.create(job(2, key="k", digest="other"), IMAGES))


def test_of_a_hundred_with_one_key_one_is_made(jobs: JobStore) -> None:
    async def together() -> set[str]:
        calls = (jobs.create(job(n, key="k", digest="d"), IMAGES) for n in range(100))
        return {made.id for made in await asyncio.gather(*calls)}

    (id,) = run(together())
    assert [one.id for one in run(jobs.page(None, None, 9))] == [id]
    assert run(jobs.images(id, 0)) == IMAGES


def test_no_more_jobs_are_made_than_may_wait(jobs: JobStore) -> None:
    for number in (1, 2):
        run(jobs.create(job(number), IMAGES, most=2))
    with pytest.raises(QueueFull, match=r"2 jobs .*DARKROOM_MAX_QUEUED_JOBS"):
        run(jobs.create(job(3), IMAGES, most=2))
    run(jobs.cancel("job1", 9))
    assert run(jobs.create(job(4), IMAGES, most=2)).id == "job4"


def test_a_known_key_gives_its_job_when_no_more_may_wait(jobs: JobStore) -> None:
    first = run(jobs.create(job(1, key="k", digest="d"), IMAGES, most=1))
    assert run(jobs.create(job(2, key="k", digest="d"), IMAGES, most=1)) == first
    with pytest.raises(KeyReused):
        run(jobs.create(job(2, key="k", digest="other"), IMAGES, most=1))
    with pytest.raises(QueueFull):
        run(jobs.create(job(2, key="new", digest="d"), IMAGES, most=1))


def test_of_many_with_one_key_all_find_the_last_place(jobs: JobStore) -> None:
    async def together() -> set[str]:
        calls = (jobs.create(job(n, key="k", digest="d"), IMAGES, most=1) for n in range(30))
        return {made.id for made in await asyncio.gather(*calls)}

    assert len(run(together())) == 1


def test_jobs_without_a_key_do_not_meet(jobs: JobStore) -> None:
    for number in (1, 2):
        run(jobs.create(job(number), IMAGES))
    assert [one.id for one in run(jobs.page(None, None, 9))] == ["job2", "job1"]


def test_pages_go_from_the_latest_to_the_first(jobs: JobStore) -> None:
    for number in range(1, 6):
        run(jobs.create(job(number, created_at=number // 2), []))
    found: list[str] = []
    before = None
    while page := run(jobs.page(None, before, 2)):
        found += [one.id for one in page]
        before = (page[-1].created_at, page[-1].id)
    assert found == ["job5", "job4", "job3", "job2", "job1"]


def test_pages_can_be_of_one_state(jobs: JobStore) -> None:
    for number in (1, 2):
        run(jobs.create(job(number), []))
    claimed(jobs)
    assert [one.id for one in run(jobs.page("queued", None, 9))] == ["job2"]
    assert [one.id for one in run(jobs.page("running", None, 9))] == ["job1"]
    assert run(jobs.unfinished()) == 2


def test_what_is_not_there_is_said_to_be_missing(jobs: JobStore) -> None:
    for call in (
        jobs.get("x"),
        jobs.cancel("x", 1),
        jobs.retry("x"),
        jobs.remove("x"),
    ):
        with pytest.raises(NotStored, match="no job x"):
            run(call)  # type: ignore[arg-type]


# --- leases ------------------------------------------------------------------------------------


def test_the_oldest_job_is_claimed_first(jobs: JobStore) -> None:
    for number in (2, 1, 3):
        run(jobs.create(job(number), IMAGES))
    first = claimed(jobs)
    assert (first.id, first.state, first.owner, first.started_at) == ("job1", "running", "me", 10)
    assert [claimed(jobs).id for _ in range(2)] == ["job2", "job3"]
    assert run(jobs.claim("me", 10, SOON)) is None


def test_a_job_is_claimed_by_one_of_many(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))

    async def together() -> list[StoredJob | None]:
        return list(await asyncio.gather(*(jobs.claim(f"{n}", 10, SOON) for n in range(20))))

    assert len([found for found in run(together()) if found]) == 1


def test_a_job_whose_lease_lapsed_is_claimed_by_another(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs, "first")
    assert run(jobs.claim("second", SOON - 1, LATER)) is None
    taken = claimed(jobs, "second", now=SOON + 1, until=LATER)
    assert (taken.owner, taken.started_at) == ("second", 10)


def test_a_lease_that_is_renewed_does_not_lapse(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    assert run(jobs.renew("job1", "me", LATER)).lease_until == LATER
    assert run(jobs.claim("second", SOON + 1, LATER)) is None


def test_who_lost_the_lease_changes_nothing(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs, "first")
    claimed(jobs, "second", now=SOON + 1, until=LATER)
    for call in (
        jobs.renew("job1", "first", LATER),
        jobs.add_results("job1", "first", [result(1, 0)]),
        jobs.end("job1", "first", "completed", 5),
        jobs.release("job1", "first"),
    ):
        with pytest.raises(LeaseLost):
            run(call)  # type: ignore[arg-type]
    found = run(jobs.get("job1"))
    assert (found.owner, found.state, found.succeeded) == ("second", "running", 0)
    assert run(jobs.done("job1")) == []


def test_a_job_that_is_released_waits_again(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    run(jobs.release("job1", "me"))
    assert claimed(jobs, "second").owner == "second"


# --- results -----------------------------------------------------------------------------------


def test_results_are_counted_and_found_in_their_order(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    made = [result(1, 3), result(2, 0, "failed"), result(3, 1, "skipped"), result(4, 4)]
    run(jobs.add_results("job1", "me", made[:2]))
    run(jobs.add_results("job1", "me", made[2:]))
    found = run(jobs.get("job1"))
    assert (found.succeeded, found.failed, found.skipped) == (2, 1, 1)
    assert (found.bytes_in, found.bytes_out, found.next_seq) == (1200, 400, 5)
    assert run(jobs.results("job1", 0, 10)) == made
    assert run(jobs.results("job1", 2, 1)) == [made[2]]
    assert run(jobs.results("job1", 0, 10, "failed")) == [made[1]]
    assert sorted(run(jobs.done("job1"))) == [0, 1, 3, 4]


def test_the_result_of_an_image_is_found_by_its_number(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    made = [result(1, 3), result(2, 0, "failed")]
    run(jobs.add_results("job1", "me", made))
    assert run(jobs.result("job1", 0)) == made[1]
    for id, index in (("job1", 1), ("job1", -1), ("job2", 3)):
        with pytest.raises(NotStored):
            run(jobs.result(id, index))


def test_who_goes_on_finds_what_was_done(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs, "first")
    run(jobs.add_results("job1", "first", [result(1, 2), result(2, 4)]))
    taken = claimed(jobs, "second", now=SOON + 1, until=LATER)
    assert (taken.succeeded, taken.bytes_in, taken.next_seq) == (2, 600, 3)
    assert (taken.started_at, taken.resumed_at, taken.done_before) == (10, SOON + 1, 2)
    assert run(jobs.get("job1")) == taken
    run(jobs.add_results("job1", "second", [result(3, 0)]))
    assert sorted(run(jobs.done("job1"))) == [0, 2, 4]


def test_an_ended_job_has_no_owner(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    run(jobs.end("job1", "me", "failed", 77, "why"))
    found = run(jobs.get("job1"))
    assert (found.state, found.ended_at, found.owner, found.error) == ("failed", 77, None, "why")
    assert run(jobs.claim("second", LATER, LATER)) is None


# --- cancel, retry, remove ---------------------------------------------------------------------


def test_a_job_that_waits_is_cancelled_at_once(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    found = run(jobs.cancel("job1", 9))
    assert (found.state, found.ended_at) == ("cancelled", 9)
    assert run(jobs.claim("me", 10, SOON)) is None


def test_the_owner_of_a_running_job_is_asked(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    assert run(jobs.cancel("job1", 9)).state == "running"
    assert run(jobs.renew("job1", "me", LATER)).cancelling
    run(jobs.end("job1", "me", "cancelled", 9))
    assert not run(jobs.get("job1")).cancelling


def test_an_ended_job_is_not_cancelled(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    run(jobs.end("job1", "me", "completed", 9))
    assert run(jobs.cancel("job1", 10)).state == "completed"


def test_a_retry_forgets_what_failed_alone(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    claimed(jobs)
    made = [
        result(1, 0),
        result(2, 1, "failed"),
        result(3, 2, "failed"),
        result(4, 3),
        result(5, 4),
    ]
    run(jobs.add_results("job1", "me", made))
    run(jobs.end("job1", "me", "completed", 9))
    found = run(jobs.retry("job1"))
    assert (found.state, found.failed, found.succeeded, found.ended_at) == ("queued", 0, 3, None)
    assert sorted(run(jobs.done("job1"))) == [0, 3, 4]
    assert claimed(jobs).next_seq == 6


def test_many_retries_at_once_take_nothing_from_the_next_run(jobs: JobStore) -> None:
    for number in range(5):
        failed_twice(jobs, job(number))


def failed_twice(jobs: JobStore, made: StoredJob) -> None:
    """The second run stores its failure while the retries that came too late still go on."""

    async def next_run() -> None:
        while (taken := await jobs.claim("me", 10, SOON)) is None:
            pass
        await jobs.add_results(made.id, "me", [result(taken.next_seq, 1, "failed")])

    async def retry(turns: int) -> None:
        for _ in range(turns):  # so that each is at another point when the first has its way
            await asyncio.sleep(0)
        await jobs.retry(made.id)

    async def together() -> None:
        await asyncio.gather(next_run(), *(retry(turns) for turns in range(40)))

    run(jobs.create(made, IMAGES))
    claimed(jobs)
    run(jobs.add_results(made.id, "me", [result(1, 0), result(2, 1, "failed")]))
    run(jobs.end(made.id, "me", "completed", 9))
    run(together())
    assert [one.seq for one in run(jobs.results(made.id, 0, 9))] == [1, 3]
    found = run(jobs.get(made.id))
    assert (found.state, found.succeeded, found.failed) == ("running", 1, 1)


def test_a_job_without_failures_is_not_run_again(jobs: JobStore) -> None:
    run(jobs.create(job(total=1), IMAGES[:1]))
    claimed(jobs)
    run(jobs.add_results("job1", "me", [result(1, 0)]))
    run(jobs.end("job1", "me", "completed", 9))
    assert run(jobs.retry("job1")).state == "completed"


def test_a_cancelled_job_can_go_on(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    run(jobs.cancel("job1", 9))
    assert run(jobs.retry("job1")).state == "queued"


def test_a_job_is_removed_when_it_has_ended(jobs: JobStore) -> None:
    run(jobs.create(job(), IMAGES))
    with pytest.raises(JobNotEnded, match="queued"):
        run(jobs.remove("job1"))
    claimed(jobs)
    run(jobs.add_results("job1", "me", [result(1, 0)]))
    run(jobs.end("job1", "me", "completed", 9))
    run(jobs.remove("job1"))
    with pytest.raises(NotStored):
        run(jobs.get("job1"))
    assert run(jobs.images("job1", 0)) == []
    assert run(jobs.results("job1", 0, 9)) == []


def test_jobs_that_ended_long_ago_expire(jobs: JobStore) -> None:
    for number in (1, 2, 3):
        run(jobs.create(job(number), IMAGES))
    for moment in (100, 200):
        ended = claimed(jobs).id
        run(jobs.end(ended, "me", "completed", moment))
    assert run(jobs.expire(150)) == 1
    assert [one.id for one in run(jobs.page(None, None, 9))] == ["job3", "job2"]


# --- webhooks ----------------------------------------------------------------------------------


def ended_job(jobs: JobStore, **values: object) -> StoredJob:
    """A job that ended at 50, to be called about at once."""
    run(jobs.create(job(**{"webhook": True, "call_at": 0} | values), IMAGES))
    claimed(jobs)
    run(jobs.end("job1", "me", "completed", 50))
    return run(jobs.get("job1"))


def test_a_job_is_called_about_when_it_has_ended(jobs: JobStore) -> None:
    run(jobs.create(job(webhook=True, call_at=0), IMAGES))
    assert run(jobs.take_call(60, LATER)) is None
    claimed(jobs)
    assert run(jobs.take_call(60, LATER)) is None
    run(jobs.end("job1", "me", "completed", 50))
    taken = run(jobs.take_call(60, LATER))
    assert taken is not None
    assert (taken.id, taken.state, taken.call_at) == ("job1", "completed", LATER)


def test_a_job_without_a_webhook_is_not_called_about(jobs: JobStore) -> None:
    ended_job(jobs, webhook=False, call_at=None)
    assert run(jobs.take_call(LATER, LATER)) is None


def test_of_many_processes_one_is_to_call(jobs: JobStore) -> None:
    ended_job(jobs)

    async def together() -> list[StoredJob | None]:
        return list(await asyncio.gather(*(jobs.take_call(60, SOON) for _ in range(20))))

    assert len([found for found in run(together()) if found]) == 1


def test_a_call_that_its_process_did_not_live_to_make_is_made_by_another(jobs: JobStore) -> None:
    ended_job(jobs)
    assert run(jobs.take_call(60, SOON)) is not None
    assert run(jobs.take_call(SOON - 1, LATER)) is None
    assert run(jobs.take_call(SOON, LATER)) is not None


def test_a_call_that_was_made_is_not_made_again(jobs: JobStore) -> None:
    ended_job(jobs)
    run(jobs.set_call("job1", 50, None))
    assert run(jobs.take_call(LATER, LATER)) is None


def test_the_call_of_an_earlier_end_does_not_stand_for_the_next(jobs: JobStore) -> None:
    ended_job(jobs)
    run(jobs.retry("job1"))
    run(jobs.set_call("job1", 50, None))
    claimed(jobs)
    run(jobs.end("job1", "me", "completed", 70))
    run(jobs.set_call("job1", 50, None))
    assert run(jobs.take_call(80, LATER)) is not None


def test_a_retry_after_the_call_has_one_of_its_own(jobs: JobStore) -> None:
    ended_job(jobs)
    run(jobs.set_call("job1", 50, None))
    run(jobs.retry("job1"))
    run(jobs.cancel("job1", 70))
    assert run(jobs.take_call(80, LATER)) is not None
