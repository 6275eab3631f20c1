"""The library's index in MongoDB."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from pymongo import ReplaceOne

from schemas.library import ImagePage, ImageQuery, KnownFile, LibraryImage
from service.store.base import ImageStore, NotStored
from service.store.cursors import after, cursor, microseconds, moment, order_of
from service.store.mongo.database import Connection, Database
from service.store.mongo.schema import BY_FORMAT, BY_HEIGHT, BY_ID, BY_WIDTH, IMAGES

_BOUNDS = {
    "min_width": ("width", "$gte"),
    "max_width": ("width", "$lte"),
    "min_height": ("height", "$gte"),
    "max_height": ("height", "$lte"),
    "format": ("format", "$eq"),
}
_MOST = 1_000_000
"""More pixels than a side has."""
_FEW = 1000


class MongoImages(ImageStore):
    """See ImageStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, images: Sequence[LibraryImage]) -> None:
        if not images:
            return
        documents = [_document(image) for image in images]
        writes = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents]
        async with self._database.use() as database:
            await database[IMAGES].bulk_write(writes, ordered=False)

    async def remove(self, ids: Sequence[str]) -> int:
        async with self._database.use() as database:
            result = await database[IMAGES].delete_many({"_id": {"$in": list(ids)}})
        return result.deleted_count

    async def get(self, id: str) -> LibraryImage:
        async with self._database.use() as database:
            document = await database[IMAGES].find_one({"_id": id})
        if document is None:
            raise NotStored(f"there is no image {id}")
        return _image(document)

    async def page(self, query: ImageQuery) -> ImagePage:
        async with self._database.use() as database:
            total, documents = await asyncio.gather(_count(database, query), _find(database, query))
        page = [_image(document) for document in documents[: query.limit]]
        return ImagePage(
            images=page,
            total=total,
            next=cursor(query, page[-1]) if len(documents) > query.limit else None,
        )

    async def known(self) -> list[KnownFile]:
        fields = {"path": 1, "bytes": 1, "modified": 1}
        async with self._database.use() as database:
            documents = await database[IMAGES].find({}, fields).to_list(None)
        return [
            KnownFile(
                id=document["_id"],
                path=document["path"],
                bytes=document["bytes"],
                modified=moment(document["modified"]),
            )
            for document in documents
        ]

    async def hashes(self) -> list[tuple[str, str]]:
        async with self._database.use() as database:
            documents = (
                await database[IMAGES]
                .find({"perceptual_hash": {"$ne": None}}, {"perceptual_hash": 1})
                .to_list(None)
            )
        return [(document["_id"], document["perceptual_hash"]) for document in documents]


async def _find(database: Connection, query: ImageQuery) -> list[dict[str, Any]]:
    """The page, and one document more if there is a next one.

    Whether there are few is known long before how many there are: the two are asked at once.
    """
    key, descending = order_of(query)
    way = -1 if descending else 1
    found = database[IMAGES].find({"$and": [_filter(query), _behind(query)]})
    if query.name is None:
        few = await _count(database, query, _FEW + 1) <= _FEW
        found = found.hint(list(dict.fromkeys(_way(query, few), 1).items()))
    documents: list[dict[str, Any]] = (
        await found.sort([(key, way), ("_id", way)]).limit(query.limit + 1).to_list(None)
    )
    return documents


async def _count(database: Connection, query: ImageQuery, most: int = 0) -> int:
    """How many images fit, or `most` if there are more and it is not 0.

    By the command that counts in an index: pipelines take twice as long. What MongoDB knows of
    the size of a whole collection may be wrong after it was killed, so that is counted too.
    """
    command: dict[str, Any] = {"count": IMAGES, "query": _filter(query), "limit": most}
    if query.name is None:
        command["hint"] = dict.fromkeys(_index(query), 1)
    return int((await database.command(command))["n"])


def _index(query: ImageQuery) -> tuple[str, ...]:
    """Where the fewest entries have to be looked at: that of the narrower bounds."""
    if query.format is not None:
        return BY_FORMAT
    width = _span(query.min_width, query.max_width)
    height = _span(query.min_height, query.max_height)
    if width == height == _MOST:
        return BY_ID
    return BY_WIDTH if width <= height else BY_HEIGHT


def _way(query: ImageQuery, few: bool) -> tuple[str, ...]:
    """Few images are looked up and sorted; else they are met soon in the order of the key."""
    return _index(query) if few else (order_of(query).key, "_id")


def _span(least: int | None, most: int | None) -> int:
    return (_MOST if most is None else most) - (least or 0)


def _filter(query: ImageQuery) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for name, (field, operator) in _BOUNDS.items():
        if (value := getattr(query, name)) is not None:
            wanted.setdefault(field, {})[operator] = value
    if query.name is not None:
        # A pattern ends at a NUL.
        pattern = re.escape(query.name.casefold()).replace("\0", r"\x00")
        wanted["folded"] = {"$regex": pattern}
    return wanted


def _behind(query: ImageQuery) -> dict[str, Any]:
    key, descending = order_of(query)
    last = after(query)
    if last is None:
        return {}
    value, id = last
    beyond = "$lt" if descending else "$gt"
    return {"$or": [{key: {beyond: value}}, {key: value, "_id": {beyond: id}}]}


def _document(image: LibraryImage) -> dict[str, Any]:
    values = image.model_dump(exclude={"id"})
    changed = {"modified": microseconds(image.modified), "folded": image.path.casefold()}
    return {"_id": image.id} | values | changed


def _image(document: dict[str, Any]) -> LibraryImage:
    values = {name: document[name] for name in LibraryImage.model_fields if name != "id"}
    values["modified"] = moment(values["modified"])
    return LibraryImage.model_construct(id=document["_id"], **values)
