"""What outputs were made of, in MongoDB."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo import ReplaceOne

from service.store.mongo.database import Database
from service.store.mongo.schema import OUTPUTS
from service.store.outputs import OutputRecord, OutputStore


class MongoOutputs(OutputStore):
    """See OutputStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, paths: Sequence[str]) -> list[OutputRecord]:
        async with self._database.use() as database:
            found = await database[OUTPUTS].find({"_id": {"$in": list(paths)}}).to_list(None)
        return [_record(document) for document in found]

    async def put(self, records: Sequence[OutputRecord]) -> None:
        if not records:
            return
        writes = [
            ReplaceOne({"_id": record.path}, _document(record), upsert=True) for record in records
        ]
        async with self._database.use() as database:
            await database[OUTPUTS].bulk_write(writes, ordered=False)

    async def expire(self, before: int) -> int:
        async with self._database.use() as database:
            result = await database[OUTPUTS].delete_many({"used_at": {"$lt": before}})
        return result.deleted_count


def _document(record: OutputRecord) -> dict[str, Any]:
    values = asdict(record)
    return {"_id": values.pop("path"), **values}


def _record(document: dict[str, Any]) -> OutputRecord:
    return OutputRecord(document["_id"], document["digest"], document["files"], document["used_at"])
