"""Jobs and results for the contract of the store, and the claim of one."""

from dataclasses import replace

from service.store.base import JobStore
from service.store.jobs import StoredJob, StoredResult
from tests.stores import run

IMAGES = [[f"in/{n}.jpg", f"out/é {n}.jpg"] for n in range(5)]
SOON, LATER = 1_000, 2_000


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
