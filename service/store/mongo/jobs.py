"""Jobs in MongoDB.

A job's document is written last and removed first: what others hang on it cannot be seen without
it. Results are counted when they are stored, and all anew when a job is claimed and when it ends: a
process that dies between the two leaves no wrong count behind.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError

from schemas.jobs import ENDED, JobState
from schemas.results import Status
from service.store.errors import LeaseLost, NotStored, StoredOtherwise, StoreUnavailable
from service.store.jobs import (
    KINDS,
    JobStore,
    Pair,
    StoredJob,
    StoredResult,
    chunks_of,
    may_retry,
    same_request,
)
from service.store.mongo.collections import inserted
from service.store.mongo.database import Connection, Database
from service.store.mongo.schema import JOB_IMAGES, JOB_RESULTS, JOBS

_OLDEST = [("created_at", ASCENDING), ("_id", ASCENDING)]
_LATEST = [("created_at", DESCENDING), ("_id", DESCENDING)]
_RESULT = tuple(field.name for field in fields(StoredResult))


class MongoJobs(JobStore):
    """See JobStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, job: StoredJob, images: Sequence[Pair]) -> StoredJob:
        contents = await asyncio.to_thread(chunks_of, images)
        chunks = [
            {"job": job.id, "chunk": chunk, "content": content}
            for chunk, content in enumerate(contents)
        ]
        async with self._database.use() as database:
            if (found := await _by_key(database, job)) is not None:
                return found
            if chunks:
                await database[JOB_IMAGES].insert_many(chunks)
            try:
                await database[JOBS].insert_one(_document(job))
            except DuplicateKeyError:
                await database[JOB_IMAGES].delete_many({"job": job.id})
                found = await _by_key(database, job)
        if found is None:
            return job
        return found

    async def get(self, id: str) -> StoredJob:
        async with self._database.use() as database:
            return await _found(database, id)

    async def page(
        self, state: JobState | None, before: tuple[int, str] | None, limit: int
    ) -> list[StoredJob]:
        wanted: dict[str, Any] = {} if state is None else {"state": state}
        if before is not None:
            moment, id = before
            earlier = {"created_at": moment, "_id": {"$lt": id}}
            wanted["$or"] = [{"created_at": {"$lt": moment}}, earlier]
        async with self._database.use() as database:
            found = database[JOBS].find(wanted).sort(_LATEST).limit(limit)
            return [_job(document) for document in await found.to_list(None)]

    async def images(self, id: str, chunk: int) -> list[Pair]:
        async with self._database.use() as database:
            found = await database[JOB_IMAGES].find_one({"job": id, "chunk": chunk})
        return (
            [(source, target) for source, target in json.loads(found["content"])] if found else []
        )

    async def claim(self, owner: str, now: int, until: int) -> StoredJob | None:
        free = [{"state": "queued"}, {"state": "running", "lease_until": {"$lt": now}}]
        async with self._database.use() as database:
            taken: Any = await database[JOBS].find_one_and_update(
                {"$or": free},
                [
                    {
                        "$set": {
                            "state": "running",
                            "owner": owner,
                            "lease_until": until,
                            "started_at": {"$ifNull": ["$started_at", now]},
                        }
                    }
                ],
                sort=_OLDEST,
                return_document=ReturnDocument.AFTER,
            )
            if taken is None:
                return None
            return await _recounted(database, taken["_id"])

    async def renew(self, id: str, owner: str, until: int) -> StoredJob:
        async with self._database.use() as database:
            return await _own(database, id, owner, {"$set": {"lease_until": until}})

    async def release(self, id: str, owner: str) -> None:
        free = {"state": "queued", "owner": None, "lease_until": 0}
        async with self._database.use() as database:
            await _own(database, id, owner, {"$set": free})

    async def add_results(self, id: str, owner: str, results: Sequence[StoredResult]) -> None:
        if not results:
            return
        behind = max(one.seq for one in results) + 1
        documents = [{"job": id, **asdict(result)} for result in results]
        async with self._database.use() as database:
            await _own(database, id, owner, {"$max": {"next_seq": behind}})
            try:
                await database[JOB_RESULTS].insert_many(documents, ordered=False)
            except BulkWriteError as error:
                new = inserted(error, len(documents))
                results = [one for one, is_new in zip(results, new, strict=True) if is_new]
            counts = {kind: sum(one.status == kind for one in results) for kind in KINDS}
            written = sum(one.bytes_out for one in results)
            await database[JOBS].update_one({"_id": id}, {"$inc": {**counts, "bytes_out": written}})

    async def end(
        self, id: str, owner: str, state: JobState, now: int, error: str | None = None
    ) -> None:
        ended = {"state": state, "ended_at": now, "error": error}
        async with self._database.use() as database:
            await _recounted(database, id)
            await _own(database, id, owner, {"$set": ended | {"owner": None, "cancelling": False}})

    async def cancel(self, id: str, now: int) -> StoredJob:
        async with self._database.use() as database:
            await database[JOBS].update_one(
                {"_id": id, "state": "queued"}, {"$set": {"state": "cancelled", "ended_at": now}}
            )
            await database[JOBS].update_one(
                {"_id": id, "state": "running"}, {"$set": {"cancelling": True}}
            )
            return await _found(database, id)

    async def retry(self, id: str) -> StoredJob:
        async with self._database.use() as database:
            job = await _found(database, id)
            if not may_retry(job):
                return job
            await database[JOB_RESULTS].delete_many({"job": id, "status": "failed"})
            await _recounted(database, id)
            waiting = {"state": "queued", "ended_at": None, "error": None, "cancelling": False}
            ended = {"_id": id, "state": {"$in": sorted(ENDED)}}
            await database[JOBS].update_one(ended, {"$set": waiting})
            return await _found(database, id)

    async def remove(self, id: str) -> None:
        async with self._database.use() as database:
            job = await _found(database, id)
            gone = await database[JOBS].delete_one({"_id": id, "state": {"$in": sorted(ENDED)}})
            if not gone.deleted_count:
                raise StoredOtherwise(f"the job {id} is {job.state}: cancel it first")
            await _clear(database, [id])

    async def expire(self, before: int) -> int:
        old = {"state": {"$in": sorted(ENDED)}, "ended_at": {"$lt": before}}
        async with self._database.use() as database:
            ids = [one["_id"] for one in await database[JOBS].find(old, {"_id": 1}).to_list(None)]
            gone = await database[JOBS].delete_many({"_id": {"$in": ids}} | old)
            await _clear(database, ids)
        return gone.deleted_count

    async def done(self, id: str) -> list[int]:
        async with self._database.use() as database:
            found = database[JOB_RESULTS].find({"job": id}, {"_id": 0, "index": 1})
            return [document["index"] for document in await found.to_list(None)]

    async def results(
        self, id: str, after: int, limit: int, status: Status | None = None
    ) -> list[StoredResult]:
        wanted: dict[str, Any] = {"job": id, "seq": {"$gt": after}}
        if status is not None:
            wanted["status"] = status
        async with self._database.use() as database:
            found = database[JOB_RESULTS].find(wanted).sort("seq", ASCENDING).limit(limit)
            documents = await found.to_list(None)
        return [StoredResult(*(one[name] for name in _RESULT)) for one in documents]

    async def unfinished(self) -> int:
        async with self._database.use() as database:
            return await database[JOBS].count_documents({"state": {"$in": ["queued", "running"]}})


async def _found(database: Connection, id: str) -> StoredJob:
    document = await database[JOBS].find_one({"_id": id})
    if document is None:
        raise NotStored(f"there is no job {id}")
    return _job(document)


async def _by_key(database: Connection, job: StoredJob) -> StoredJob | None:
    """The job that has the key of `job`. Raises KeyReused."""
    if job.key is None:
        return None
    document = await database[JOBS].find_one({"key": job.key})
    return None if document is None else same_request(_job(document), job)


async def _own(database: Connection, id: str, owner: str, change: dict[str, Any]) -> StoredJob:
    """Change the job of `owner`. Raises LeaseLost."""
    document = await database[JOBS].find_one_and_update(
        {"_id": id, "owner": owner, "state": "running"},
        change,
        return_document=ReturnDocument.AFTER,
    )
    if document is None:
        raise LeaseLost(f"the job {id} belongs to another process, or has ended")
    return _job(document)


async def _recounted(database: Connection, id: str) -> StoredJob:
    """The job with the counts of the results that are stored."""
    groups = (
        await database[JOB_RESULTS]
        .aggregate(
            [
                {"$match": {"job": id}},
                {
                    "$group": {
                        "_id": "$status",
                        "count": {"$sum": 1},
                        "bytes": {"$sum": "$bytes_out"},
                    }
                },
            ]
        )
        .to_list(None)
    )
    counted = {group["_id"]: group["count"] for group in groups}
    counts = {kind: counted.get(kind, 0) for kind in KINDS}
    written = sum(group["bytes"] for group in groups)
    document = await database[JOBS].find_one_and_update(
        {"_id": id},
        {"$set": {**counts, "bytes_out": written}},
        return_document=ReturnDocument.AFTER,
    )
    if document is None:
        raise StoreUnavailable(f"the job {id} was removed just now")
    return _job(document)


async def _clear(database: Connection, ids: Sequence[str]) -> None:
    for collection in (JOB_IMAGES, JOB_RESULTS):
        await database[collection].delete_many({"job": {"$in": list(ids)}})


def _document(job: StoredJob) -> dict[str, Any]:
    values = asdict(job)
    id = values.pop("id")
    if values["key"] is None:
        del values["key"]  # the unique index leaves out documents without one
    return {"_id": id, **values}


def _job(document: dict[str, Any]) -> StoredJob:
    values = {"id": document["_id"], "key": None, **document}
    del values["_id"]
    return StoredJob(**values)
