"""Jobs in MongoDB.

A job's document is written last and removed first: what others hang on it cannot be seen without
it. Results are counted when they are stored, and all anew when a job is claimed and when it ends: a
process that dies between the two leaves no wrong count behind.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, cast

from pymongo import ASCENDING, DESCENDING, ReplaceOne, ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError

from schemas.jobs import ENDED, JobState
from schemas.results import Status
from service.store.errors import JobNotEnded, LeaseLost, NotStored, StoreUnavailable
from service.store.jobs import (
    KINDS,
    Backlog,
    JobStore,
    StoredImage,
    StoredJob,
    StoredResult,
    check_queue,
    chunks_of,
    same_request,
)
from service.store.mongo.collections import inserted
from service.store.mongo.database import Connection, Database
from service.store.mongo.schema import JOB_IMAGES, JOB_RESULTS, JOBS

_OLDEST = [("created_at", ASCENDING), ("_id", ASCENDING)]
_LATEST = [("created_at", DESCENDING), ("_id", DESCENDING)]
_JOB = frozenset(field.name for field in fields(StoredJob))
_RESULT = frozenset(field.name for field in fields(StoredResult))
_SIZES = ("bytes_in", "bytes_out")

_LEFT = {
    "$or": [
        {"$lt": [{"$add": ["$succeeded", "$skipped"]}, "$total"]},
        {"$and": [{"$eq": ["$total", 0]}, {"$ne": ["$state", "completed"]}]},
    ]
}
"""As `may_retry` has it, for a filter."""

_AGAIN = {
    "state": "queued",
    "ended_at": None,
    "error": None,
    "cancelling": False,
    "failed": 0,
    # Failures below this number are no results any more: they are removed now, and again by who
    # claims the job. Those of the next run have higher numbers, so that it does not matter when.
    "forget_below": "$next_seq",
    "call_at": {"$cond": ["$webhook", 0, None]},
}
"""What a job is that is retried, as a stage of an update."""


_REMAINING = {"$subtract": ["$total", {"$add": [f"${kind}" for kind in KINDS]}]}
_BACKLOG: list[dict[str, Any]] = [
    {"$match": {"state": {"$in": ["queued", "running"]}}},
    {
        "$group": {
            "_id": None,
            "jobs": {"$sum": 1},
            "images": {"$sum": {"$max": [0, _REMAINING]}},
        }
    },
]


class MongoJobs(JobStore):
    """See JobStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, job: StoredJob, images: Sequence[StoredImage], most: int = sys.maxsize
    ) -> StoredJob:
        chunks = await _chunks(job.id, images)
        async with self._database.use() as database:
            if (found := await _by_key(database, job)) is not None:
                return found
            if (waiting := await _unfinished(database)) >= most:
                # Another call with this key may have taken the last place meanwhile.
                if (found := await _by_key(database, job)) is not None:
                    return found
                check_queue(waiting, most)
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

    async def expand(
        self, id: str, owner: str, images: Sequence[StoredImage], request: str
    ) -> StoredJob:
        chunks = await _chunks(id, images)
        async with self._database.use() as database:
            await _own(database, id, owner, {"$set": {"total": 0}})
            writes = [
                ReplaceOne({"job": id, "chunk": one["chunk"]}, one, upsert=True) for one in chunks
            ]
            if writes:
                await database[JOB_IMAGES].bulk_write(writes, ordered=False)
            # Last: a job whose request has its patterns still begins with this again.
            changed = {"$set": {"total": len(images), "request": request}}
            return await _own(database, id, owner, changed)

    async def images(self, id: str, chunk: int) -> list[StoredImage]:
        async with self._database.use() as database:
            found = await database[JOB_IMAGES].find_one({"job": id, "chunk": chunk})
        return cast(list[StoredImage], json.loads(found["content"])) if found else []

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
                            "resumed_at": now,
                        }
                    }
                ],
                sort=_OLDEST,
                return_document=ReturnDocument.AFTER,
            )
            if taken is None:
                return None
            await _forget(database, taken)
            job = await _recounted(database, taken["_id"])
            job.done_before = job.succeeded + job.failed + job.skipped
            mine = {"_id": job.id, "owner": owner, "lease_until": until}
            await database[JOBS].update_one(mine, {"$set": {"done_before": job.done_before}})
            return job

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
            sizes = {name: sum(getattr(one, name) for one in results) for name in _SIZES}
            await database[JOBS].update_one({"_id": id}, {"$inc": counts | sizes})

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
            retried = await database[JOBS].find_one_and_update(
                {"_id": id, "state": {"$in": sorted(ENDED)}, "$expr": _LEFT},
                [{"$set": _AGAIN}],
                return_document=ReturnDocument.AFTER,
            )
            if retried is not None:
                await _forget(database, retried)
            return await _found(database, id)

    async def take_call(self, now: int, until: int) -> StoredJob | None:
        due = {"call_at": {"$gte": 0, "$lte": now}, "state": {"$in": sorted(ENDED)}}
        async with self._database.use() as database:
            taken = await database[JOBS].find_one_and_update(
                due,
                {"$set": {"call_at": until}},
                sort=[("call_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return None if taken is None else _job(taken)

    async def set_call(self, id: str, ended_at: int, moment: int | None) -> None:
        async with self._database.use() as database:
            await database[JOBS].update_one(
                {"_id": id, "ended_at": ended_at}, {"$set": {"call_at": moment}}
            )

    async def remove(self, id: str) -> None:
        async with self._database.use() as database:
            job = await _found(database, id)
            gone = await database[JOBS].delete_one({"_id": id, "state": {"$in": sorted(ENDED)}})
            if not gone.deleted_count:
                raise JobNotEnded(f"the job {id} is {job.state}: cancel it first")
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
        return [_result(document) for document in documents]

    async def result(self, id: str, index: int) -> StoredResult:
        async with self._database.use() as database:
            document = await database[JOB_RESULTS].find_one({"job": id, "index": index})
        if document is None:
            raise NotStored(f"the job {id} has no result of an image {index}")
        return _result(document)

    async def backlog(self) -> Backlog:
        async with self._database.use() as database:
            found = await database[JOBS].aggregate(_BACKLOG).to_list(None)
        return Backlog(found[0]["jobs"], found[0]["images"]) if found else Backlog(0, 0)


def _result(document: dict[str, Any]) -> StoredResult:
    return StoredResult(**{name: document[name] for name in _RESULT & document.keys()})


async def _chunks(id: str, images: Sequence[StoredImage]) -> list[dict[str, Any]]:
    contents = await asyncio.to_thread(chunks_of, images)
    return [
        {"job": id, "chunk": chunk, "content": content} for chunk, content in enumerate(contents)
    ]


async def _unfinished(database: Connection) -> int:
    return await database[JOBS].count_documents({"state": {"$in": ["queued", "running"]}})


async def _forget(database: Connection, job: dict[str, Any]) -> None:
    """Remove the failures that a retry has done away with."""
    old = {"job": job["_id"], "status": "failed", "seq": {"$lt": job.get("forget_below", 0)}}
    await database[JOB_RESULTS].delete_many(old)


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
                        **{name: {"$sum": f"${name}"} for name in _SIZES},
                    }
                },
            ]
        )
        .to_list(None)
    )
    counted = {group["_id"]: group["count"] for group in groups}
    counts = {kind: counted.get(kind, 0) for kind in KINDS}
    sizes = {name: sum(group[name] for group in groups) for name in _SIZES}
    document = await database[JOBS].find_one_and_update(
        {"_id": id},
        {"$set": counts | sizes},
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
    values = {name: document[name] for name in _JOB & document.keys()}
    return StoredJob(id=document["_id"], **values)
