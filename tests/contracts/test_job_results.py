"""What every store keeps to with the results of jobs: each once, and none lost at a retry."""

import asyncio

import pytest

from service.store.base import JobStore, NotStored
from service.store.errors import JobNotEnded
from service.store.jobs import StoredJob
from tests.contracts.job_making import IMAGES, LATER, SOON, claimed, job, result
from tests.stores import run

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
