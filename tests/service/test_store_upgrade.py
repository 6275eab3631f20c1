"""A database of an earlier version is brought to the present one, with what is in it."""

import sqlite3
from pathlib import Path

import pytest

from service.store.mongo import MongoStore
from service.store.mongo.database import Database
from service.store.mongo.schema import JOB_RESULTS, JOBS
from service.store.sqlite import SqliteStore, schema
from tests.stores import run, url_of

JOBS_CAME_WITH = 2
"""The version of the schema."""

JOB = {
    "state": "queued",
    "created_at": 1,
    "total": 2,
    "request": "{}",
    "digest": "",
    "started_at": None,
    "lease_until": 0,
    "cancelling": False,
    "succeeded": 1,
    "failed": 0,
    "skipped": 0,
    "bytes_out": 100,
    "next_seq": 2,
}
RESULT = {"seq": 1, "status": "succeeded", "bytes_out": 100, "content": "{}"}


async def _goes_on(store: SqliteStore | MongoStore) -> None:
    found = await store.jobs.claim("me", 10, 1000)
    assert found is not None
    assert (found.succeeded, found.bytes_out, found.bytes_in, found.done_before) == (1, 100, 0, 1)
    assert not found.webhook
    (result,) = await store.jobs.results("job", 0, 9)
    assert (result.seq, result.bytes_out, result.bytes_in) == (1, 100, 0)
    await store.jobs.end("job", "me", "completed", 20)
    assert await store.jobs.take_call(30, 40) is None
    await store.close()


def test_jobs_of_an_earlier_version_go_on_in_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:JOBS_CAME_WITH])
        schema.upgrade(connection, path)
    for table, row in (
        ("jobs", {"id": "job", **JOB}),
        ("job_results", {"job": "job", "number": 0, **RESULT}),
    ):
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    connection.close()
    run(_goes_on(SqliteStore(path)))


def test_jobs_of_an_earlier_version_go_on_in_mongodb(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of("mongo", tmp_path, request)

    async def work() -> None:
        old = Database(url)
        async with old.use() as database:
            await database[JOBS].insert_one({"_id": "job", **JOB})
            await database[JOB_RESULTS].insert_one({"job": "job", "index": 0, **RESULT})
        await old.close()
        await _goes_on(MongoStore(url))

    run(work())
