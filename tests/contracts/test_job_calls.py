"""What every store keeps to with the webhooks of jobs: one call for each end."""

import asyncio

from service.store.base import JobStore
from service.store.jobs import StoredJob
from tests.contracts.job_making import IMAGES, LATER, SOON, claimed, job
from tests.stores import run


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
