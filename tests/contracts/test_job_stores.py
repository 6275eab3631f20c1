"""What every store keeps to with jobs: one owner at a time, nothing lost."""

import asyncio

import pytest

from service.store.base import JobStore, NotStored
from service.store.errors import KeyReused, LeaseLost, QueueFull
from service.store.jobs import IMAGES_A_CHUNK, StoredJob
from tests.contracts.job_making import IMAGES, LATER, SOON, claimed, job, result
from tests.stores import run


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


def test_the_backlog_is_what_has_no_result_of_jobs_that_have_not_ended(jobs: JobStore) -> None:
    assert run(jobs.backlog()) == (0, 0)
    for number in (1, 2, 3):
        run(jobs.create(job(number), IMAGES))
    claimed(jobs)
    run(jobs.add_results("job1", "me", [result(1, 3), result(2, 0, "failed")]))
    assert run(jobs.backlog()) == (3, 3 * len(IMAGES) - 2)
    run(jobs.cancel("job2", 20))
    assert run(jobs.backlog()) == (2, 2 * len(IMAGES) - 2)
    run(jobs.end("job1", "me", "completed", 30))
    run(jobs.cancel("job3", 30))
    assert run(jobs.backlog()) == (0, 0)
    run(jobs.retry("job1"))
    assert run(jobs.backlog()) == (1, len(IMAGES) - 1)


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
