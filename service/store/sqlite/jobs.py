"""Jobs in SQLite. Each method is one transaction."""

import json
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from operator import attrgetter
from typing import Any, cast

from schemas.jobs import ENDED, JobState
from schemas.results import Status
from service.store.errors import JobNotEnded, LeaseLost, NotStored
from service.store.jobs import (
    KINDS,
    Backlog,
    JobStore,
    StoredImage,
    StoredJob,
    StoredResult,
    check_queue,
    chunks_of,
    may_retry,
    same_request,
)
from service.store.sqlite.database import Database

_COLUMNS = tuple(field.name for field in fields(StoredJob))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM jobs"
_INSERT = f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SIZES = ("bytes_in", "bytes_out")
_row = attrgetter(*(field.name for field in fields(StoredResult)))  # a tenth of astuple's time
_ENDED = ", ".join(f"'{state}'" for state in sorted(ENDED))
_FREE = "state = 'queued' OR (state = 'running' AND lease_until < ?)"
_COUNTS = """
    UPDATE jobs SET
        succeeded = (SELECT count(*) FROM job_results WHERE job = id AND status = 'succeeded'),
        failed = (SELECT count(*) FROM job_results WHERE job = id AND status = 'failed'),
        skipped = (SELECT count(*) FROM job_results WHERE job = id AND status = 'skipped'),
        bytes_in = (SELECT coalesce(sum(bytes_in), 0) FROM job_results WHERE job = id),
        bytes_out = (SELECT coalesce(sum(bytes_out), 0) FROM job_results WHERE job = id)
    WHERE id = ?
"""
_RESUMED = "UPDATE jobs SET done_before = succeeded + failed + skipped WHERE id = ?"
_UNFINISHED = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
_BACKLOG = """
    SELECT count(*), coalesce(sum(max(0, total - succeeded - failed - skipped)), 0)
    FROM jobs WHERE state IN ('queued', 'running')
"""
_TO_CALL = f"state IN ({_ENDED}) AND call_at <= ?"


class SqliteJobs(JobStore):
    """See JobStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, job: StoredJob, images: Sequence[StoredImage], most: int = sys.maxsize
    ) -> StoredJob:
        def work(connection: sqlite3.Connection) -> StoredJob:
            found = connection.execute(f"{_SELECT} WHERE key = ?", (job.key,)).fetchone()
            if found is not None:
                return same_request(_job(found), job)
            (unfinished,) = connection.execute(_UNFINISHED).fetchone()
            check_queue(unfinished, most)
            connection.execute(_INSERT, astuple(job))
            _insert_images(connection, job.id, images)
            return job

        return await self._database.write(work)

    async def get(self, id: str) -> StoredJob:
        return await self._database.read(lambda connection: _found(connection, id))

    async def page(
        self, state: JobState | None, before: tuple[int, str] | None, limit: int
    ) -> list[StoredJob]:
        given: dict[str, tuple[Any, ...]] = {}
        if state is not None:
            given["state = ?"] = (state,)
        if before is not None:
            given["(created_at, id) < (?, ?)"] = before
        where = " AND ".join(given) or "1"
        values = [value for condition in given.values() for value in condition]
        order = "ORDER BY created_at DESC, id DESC LIMIT ?"

        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                f"{_SELECT} WHERE {where} {order}", (*values, limit)
            ).fetchall()

        return [_job(row) for row in await self._database.read(work)]

    async def expand(
        self, id: str, owner: str, images: Sequence[StoredImage], request: str
    ) -> StoredJob:
        def work(connection: sqlite3.Connection) -> StoredJob:
            _own(connection, id, owner, "total = ?, request = ?", len(images), request)
            connection.execute("DELETE FROM job_images WHERE job = ?", (id,))
            _insert_images(connection, id, images)
            return _found(connection, id)

        return await self._database.write(work)

    async def images(self, id: str, chunk: int) -> list[StoredImage]:
        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                "SELECT content FROM job_images WHERE job = ? AND chunk = ?", (id, chunk)
            ).fetchone()

        row = await self._database.read(work)
        return cast(list[StoredImage], json.loads(row[0])) if row else []

    async def claim(self, owner: str, now: int, until: int) -> StoredJob | None:
        def work(connection: sqlite3.Connection) -> StoredJob | None:
            row = connection.execute(
                f"SELECT id FROM jobs WHERE {_FREE} ORDER BY created_at, id LIMIT 1", (now,)
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', owner = ?, lease_until = ?, "
                "started_at = coalesce(started_at, ?), resumed_at = ? WHERE id = ?",
                (owner, until, now, now, row[0]),
            )
            connection.execute(_COUNTS, row)
            connection.execute(_RESUMED, row)
            return _found(connection, row[0])

        # Asking first keeps a service that has nothing to do from writing every second.
        return await self._database.write(work) if await self._waiting(now) else None

    async def renew(self, id: str, owner: str, until: int) -> StoredJob:
        def work(connection: sqlite3.Connection) -> StoredJob:
            _own(connection, id, owner, "lease_until = ?", until)
            return _found(connection, id)

        return await self._database.write(work)

    async def release(self, id: str, owner: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            _own(connection, id, owner, "state = 'queued', owner = NULL, lease_until = ?", 0)

        await self._database.write(work)

    async def add_results(self, id: str, owner: str, results: Sequence[StoredResult]) -> None:
        rows = [(id, *_row(result)) for result in results]
        added: dict[str, int] = {kind: sum(one.status == kind for one in results) for kind in KINDS}
        added |= {name: sum(getattr(one, name) for one in results) for name in _SIZES}
        behind = max((one.seq for one in results), default=0) + 1

        def work(connection: sqlite3.Connection) -> None:
            changes = ", ".join(
                f"{kind} = {kind} + ?" for kind in (*KINDS, "bytes_in", "bytes_out")
            )
            changes += ", next_seq = max(next_seq, ?)"
            _own(connection, id, owner, changes, *added.values(), behind)
            connection.executemany("INSERT INTO job_results VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

        await self._database.write(work)

    async def end(
        self, id: str, owner: str, state: JobState, now: int, error: str | None = None
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            changes = "state = ?, ended_at = ?, error = ?, owner = NULL, cancelling = 0"
            _own(connection, id, owner, changes, state, now, error)

        await self._database.write(work)

    async def cancel(self, id: str, now: int) -> StoredJob:
        def work(connection: sqlite3.Connection) -> StoredJob:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', ended_at = ? "
                "WHERE id = ? AND state = 'queued'",
                (now, id),
            )
            connection.execute(
                "UPDATE jobs SET cancelling = 1 WHERE id = ? AND state = 'running'", (id,)
            )
            return _found(connection, id)

        return await self._database.write(work)

    async def retry(self, id: str) -> StoredJob:
        def work(connection: sqlite3.Connection) -> StoredJob:
            job = _found(connection, id)
            if not may_retry(job):
                return job
            connection.execute("DELETE FROM job_results WHERE job = ? AND status = 'failed'", (id,))
            connection.execute(
                "UPDATE jobs SET state = 'queued', ended_at = NULL, error = NULL, cancelling = 0, "
                "call_at = CASE WHEN webhook THEN 0 END WHERE id = ?",
                (id,),
            )
            connection.execute(_COUNTS, (id,))
            return _found(connection, id)

        return await self._database.write(work)

    async def take_call(self, now: int, until: int) -> StoredJob | None:
        def find(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                f"SELECT id FROM jobs WHERE {_TO_CALL} ORDER BY call_at LIMIT 1", (now,)
            ).fetchone()

        def work(connection: sqlite3.Connection) -> StoredJob | None:
            row = find(connection)
            if row is None:
                return None
            connection.execute("UPDATE jobs SET call_at = ? WHERE id = ?", (until, row[0]))
            return _found(connection, row[0])

        # Asking first, as in `claim`.
        return await self._database.write(work) if await self._database.read(find) else None

    async def set_call(self, id: str, ended_at: int, moment: int | None) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE jobs SET call_at = ? WHERE id = ? AND ended_at = ?", (moment, id, ended_at)
            )

        await self._database.write(work)

    async def remove(self, id: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            job = _found(connection, id)
            if job.state not in ENDED:
                raise JobNotEnded(f"the job {id} is {job.state}: cancel it first")
            connection.execute("DELETE FROM jobs WHERE id = ?", (id,))

        await self._database.write(work)

    async def expire(self, before: int) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(
                f"DELETE FROM jobs WHERE state IN ({_ENDED}) AND ended_at < ?", (before,)
            ).rowcount

        return await self._database.write(work)

    async def done(self, id: str) -> list[int]:
        def work(connection: sqlite3.Connection) -> list[int]:
            rows = connection.execute("SELECT number FROM job_results WHERE job = ?", (id,))
            return [number for (number,) in rows]

        return await self._database.read(work)

    async def results(
        self, id: str, after: int, limit: int, status: Status | None = None
    ) -> list[StoredResult]:
        wanted, values = ("AND status = ?", [status]) if status else ("", [])

        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                "SELECT seq, number, status, bytes_out, content, bytes_in FROM job_results "
                f"WHERE job = ? AND seq > ? {wanted} ORDER BY seq LIMIT ?",
                (id, after, *values, limit),
            ).fetchall()

        return [StoredResult(*row) for row in await self._database.read(work)]

    async def result(self, id: str, index: int) -> StoredResult:
        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                "SELECT seq, number, status, bytes_out, content, bytes_in FROM job_results "
                "WHERE job = ? AND number = ?",
                (id, index),
            ).fetchone()

        row = await self._database.read(work)
        if row is None:
            raise NotStored(f"the job {id} has no result of an image {index}")
        return StoredResult(*row)

    async def backlog(self) -> Backlog:
        def work(connection: sqlite3.Connection) -> Backlog:
            return Backlog(*connection.execute(_BACKLOG).fetchone())

        return await self._database.read(work)

    async def _waiting(self, now: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(f"SELECT 1 FROM jobs WHERE {_FREE} LIMIT 1", (now,))
            return row.fetchone() is not None

        return await self._database.read(work)


def _insert_images(connection: sqlite3.Connection, id: str, images: Sequence[StoredImage]) -> None:
    chunks = ((id, chunk, content) for chunk, content in enumerate(chunks_of(images)))
    connection.executemany("INSERT INTO job_images VALUES (?, ?, ?)", chunks)


def _found(connection: sqlite3.Connection, id: str) -> StoredJob:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise NotStored(f"there is no job {id}")
    return _job(row)


def _job(row: tuple[Any, ...]) -> StoredJob:
    job = StoredJob(*row)
    job.cancelling, job.webhook = bool(job.cancelling), bool(job.webhook)
    return job


def _own(
    connection: sqlite3.Connection, id: str, owner: str, changes: str, *values: object
) -> None:
    """Change the job of `owner`. Raises LeaseLost."""
    changed = connection.execute(
        f"UPDATE jobs SET {changes} WHERE id = ? AND owner = ? AND state = 'running'",
        (*values, id, owner),
    )
    if not changed.rowcount:
        raise LeaseLost(f"the job {id} belongs to another process, or has ended")
