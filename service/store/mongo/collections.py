"""Collections in MongoDB: each is a collection of its own, with a unique index on the name."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from schemas.collections import (
    Collection,
    CollectionEntry,
    CollectionImage,
    CollectionPage,
    CollectionPipeline,
)
from service.store.base import CollectionStore, NotStored, StoredOtherwise, StoreUnavailable
from service.store.cursors import microseconds, moment
from service.store.mongo.database import Connection, Database
from service.store.mongo.schema import COLLECTIONS
from service.store.names import check_collection, check_image

_DUPLICATE = 11000
_THERE: dict[str, Any] = {"removing": None}
_PAUSE_SECONDS = 0.05
_PAUSES = 60
_REMOVAL_SECONDS = 30
"""Longer than a removal takes: its one long step is given up after ten seconds."""

_WITHOUT_IMAGE = {"_id": 0, "image_base64": 0}


class MongoCollections(CollectionStore):
    """See CollectionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, pipeline: CollectionPipeline) -> Collection:
        check_collection(name)
        new = {
            "pipeline": pipeline.model_dump_json(),
            "created_at": microseconds(datetime.now(UTC)),
        }
        async with self._database.use() as database:
            await _until_removed(database, name)
            await _refuse_foreign(database, name)
            # The index comes first: what is listed has one, whenever this process dies.
            await database[name].create_index("name", unique=True)
            with suppress(DuplicateKeyError):  # made by somebody else just now
                await database[COLLECTIONS].update_one(
                    {"_id": name}, {"$setOnInsert": new}, upsert=True
                )
            found = await _collection(database, name)
        if found.pipeline != pipeline:
            raise StoredOtherwise(f"the collection {name} is there, with another pipeline")
        return found

    async def get(self, name: str) -> Collection:
        async with self._database.use() as database:
            return await _collection(database, name)

    async def all(self) -> list[Collection]:
        async with self._database.use() as database:
            documents = await database[COLLECTIONS].find(_THERE).sort("_id", 1).to_list(None)
        return [_read(document) for document in documents]

    async def remove(self, name: str) -> None:
        async with self._database.use() as database:
            mark = {"$set": {"removing": microseconds(datetime.now(UTC))}}
            result = await database[COLLECTIONS].update_one({"_id": name} | _THERE, mark)
            if not result.modified_count:
                raise _no_collection(name)
            await _finish_removal(database, name, mark["$set"]["removing"])

    async def insert(self, name: str, images: Sequence[CollectionImage]) -> list[bool]:
        for image in images:
            check_image(image.name)
        documents = [image.model_dump() for image in images]
        async with self._database.use() as database:
            before = await _collection(database, name)
            if not documents:
                return []
            answer = await _insert(database, name, documents)
            try:
                after = await _collection(database, name)
            except NotStored:
                after = None
            if after != before:
                # Removed meanwhile: these would be nobody's, or those of a new one of that name.
                ids = [document["_id"] for document in documents]
                await database[name].delete_many({"_id": {"$in": ids}})
                raise _no_collection(name)
        return answer

    async def image(self, name: str, image: str) -> CollectionImage:
        async with self._database.use() as database:
            await _collection(database, name)
            document = await database[name].find_one({"name": image}, {"_id": 0})
        if document is None:
            raise _no_image(name, image)
        return CollectionImage.model_construct(**document)

    async def remove_image(self, name: str, image: str) -> None:
        async with self._database.use() as database:
            await _collection(database, name)
            result = await database[name].delete_one({"name": image})
        if not result.deleted_count:
            raise _no_image(name, image)

    async def page(self, name: str, after: str | None, limit: int) -> CollectionPage:
        async with self._database.use() as database:
            await _collection(database, name)
            total = await database[name].count_documents({})
            found = database[name].find({"name": {"$gt": after or ""}}, _WITHOUT_IMAGE)
            documents = await found.sort("name", 1).limit(limit + 1).to_list(None)
        entries = [CollectionEntry.model_construct(**one) for one in documents[:limit]]
        return CollectionPage(
            images=entries,
            total=total,
            next=entries[-1].name if len(documents) > limit else None,
        )

    async def export(self, name: str) -> AsyncGenerator[CollectionImage, None]:
        async with self._database.use() as database:
            await _collection(database, name)
            async for document in database[name].find({}, {"_id": 0}).sort("name", 1):
                yield CollectionImage.model_construct(**document)


async def _refuse_foreign(database: Connection, name: str) -> None:
    """Raises StoredOtherwise for a collection of this name with documents that are not ours."""
    if await database[COLLECTIONS].find_one({"_id": name}, {"_id": 1}) is not None:
        return
    if await database[name].find_one({"image_base64": {"$exists": False}}, {"_id": 1}) is not None:
        raise StoredOtherwise(f"the database has a collection {name} that is not Darkroom's")


async def _until_removed(database: Connection, name: str) -> None:
    """Wait for a removal that is under way. Raises StoreUnavailable when it takes too long."""
    for _ in range(_PAUSES):
        document = await database[COLLECTIONS].find_one({"_id": name, "removing": {"$gt": 0}})
        if document is None:
            return
        await _take_over(database, name, int(document["removing"]))
        await asyncio.sleep(_PAUSE_SECONDS)
    raise StoreUnavailable(f"the collection {name!r} is being removed")


async def _take_over(database: Connection, name: str, began: int) -> None:
    """Finish the removal of a process that died meanwhile."""
    now = microseconds(datetime.now(UTC))
    if now - began < _REMOVAL_SECONDS * 1_000_000:
        return
    mine = {"$set": {"removing": now}}
    taken = await database[COLLECTIONS].update_one({"_id": name, "removing": began}, mine)
    if taken.modified_count:
        await _finish_removal(database, name, now)


async def _finish_removal(database: Connection, name: str, began: int) -> None:
    """Nobody makes a collection of that name before its entry is gone."""
    await database[name].drop()
    await database[COLLECTIONS].delete_one({"_id": name, "removing": began})


async def _insert(database: Connection, name: str, documents: list[dict[str, Any]]) -> list[bool]:
    try:
        await database[name].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return inserted(error, len(documents))
    return [True] * len(documents)


async def _collection(database: Connection, name: str) -> Collection:
    document = await database[COLLECTIONS].find_one({"_id": name} | _THERE)
    if document is None:
        raise _no_collection(name)
    return _read(document)


def inserted(error: BulkWriteError, count: int) -> list[bool]:
    """Which were inserted; the others' names were there."""
    details: Any = error.details
    if details.get("writeConcernErrors") or any(
        fault["code"] != _DUPLICATE for fault in details["writeErrors"]
    ):
        raise StoreUnavailable("MongoDB could not store all images") from None
    existing = {fault["index"] for fault in details["writeErrors"]}
    return [index not in existing for index in range(count)]


def _no_collection(name: str) -> NotStored:
    return NotStored(f"there is no collection {name!r}")


def _no_image(name: str, image: str) -> NotStored:
    return NotStored(f"the collection {name!r} has no image {image!r}")


def _read(document: dict[str, Any]) -> Collection:
    return Collection(
        name=document["_id"],
        pipeline=CollectionPipeline.model_validate_json(document["pipeline"]),
        created_at=moment(document["created_at"]),
    )
