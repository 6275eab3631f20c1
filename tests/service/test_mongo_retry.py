"""A retry on MongoDB is several commands: one that comes late takes nothing from the next run."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from service.store.jobs import StoredJob, StoredResult
from service.store.mongo.database import Connection, Database
from service.store.mongo.jobs import MongoJobs
from tests.stores import run, url_of


class HeldRemoval:
    """A collection, or a database of such, where what is to be removed is removed when it may."""

    def __init__(self, inner: Any, may: asyncio.Event, comes: asyncio.Event) -> None:
        self._inner, self._may, self._comes = inner, may, comes

    def __getitem__(self, name: str) -> "HeldRemoval":
        return HeldRemoval(self._inner[name], self._may, self._comes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def delete_many(self, wanted: dict[str, Any]) -> Any:
        self._comes.set()
        await self._may.wait()
        return await self._inner.delete_many(wanted)


class HeldDatabase(Database):
    """The same database for a process that is slow to remove."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may, self.comes = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[Connection, None]:
        async with super().use() as database:
            yield HeldRemoval(database, self.may, self.comes)  # type: ignore[misc]


@pytest.fixture
def url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return url_of("mongo", tmp_path, request)


def failure(seq: int) -> StoredResult:
    return StoredResult(seq, 0, "failed", 0, "{}")


async def failed_job(jobs: MongoJobs) -> None:
    await jobs.create(StoredJob("job", "queued", 1, 1, "{}"), [["a", "b"]])
    await jobs.claim("me", 10, 1000)
    await jobs.add_results("job", "me", [failure(1)])
    await jobs.end("job", "me", "completed", 20)


async def results_after_a_late_removal(url: str) -> list[int]:
    quick, slow = Database(url), HeldDatabase(url)
    jobs = MongoJobs(quick)
    await failed_job(jobs)
    late = asyncio.create_task(MongoJobs(slow).retry("job"))
    await slow.comes.wait()
    await jobs.retry("job")
    taken = await jobs.claim("me", 30, 1000)
    assert taken is not None
    await jobs.add_results("job", "me", [failure(taken.next_seq)])
    slow.may.set()
    await late
    found = [one.seq for one in await jobs.results("job", 0, 9)]
    await quick.close()
    await slow.close()
    return found


def test_a_removal_that_comes_late_leaves_the_results_of_the_next_run(url: str) -> None:
    assert run(results_after_a_late_removal(url)) == [2]


async def results_after_a_death(url: str) -> tuple[list[int], StoredJob | None]:
    quick, slow = Database(url), HeldDatabase(url)
    jobs = MongoJobs(quick)
    await failed_job(jobs)
    dying = asyncio.create_task(MongoJobs(slow).retry("job"))
    await slow.comes.wait()
    dying.cancel()
    await asyncio.wait({dying})
    taken = await jobs.claim("me", 30, 1000)
    found = await jobs.done("job")
    await quick.close()
    await slow.close()
    return found, taken


def test_who_claims_a_job_removes_what_its_retry_did_not_live_to_remove(url: str) -> None:
    found, taken = run(results_after_a_death(url))
    assert found == []
    assert taken is not None
    assert (taken.failed, taken.next_seq) == (0, 2)
