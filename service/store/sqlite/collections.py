"""Collections in SQLite."""

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from schemas.collections import (
    Collection,
    CollectionEntry,
    CollectionImage,
    CollectionPage,
    CollectionPipeline,
)
from service.store.base import CollectionStore, NotStored, StoredOtherwise
from service.store.cursors import microseconds, moment
from service.store.names import check_collection, check_image
from service.store.sqlite.database import Database

_ENTRY = ("name", "width", "height", "bytes", "sha256", "created_at")
_WHOLE = (*_ENTRY, "image_base64")
_EXPORTED = 64


class SqliteCollections(CollectionStore):
    """See CollectionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, pipeline: CollectionPipeline) -> Collection:
        check_collection(name)
        row = (name, pipeline.model_dump_json(), microseconds(datetime.now(UTC)))

        def work(connection: sqlite3.Connection) -> Collection:
            connection.execute(
                "INSERT INTO collections (name, pipeline, created_at) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO NOTHING",
                row,
            )
            return _collection(connection, name)

        found = await self._database.write(work)
        if found.pipeline != pipeline:
            raise StoredOtherwise(f"the collection {name} is there, with another pipeline")
        return found

    async def get(self, name: str) -> Collection:
        return await self._database.read(lambda connection: _collection(connection, name))

    async def all(self) -> list[Collection]:
        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                "SELECT name, pipeline, created_at FROM collections ORDER BY name"
            ).fetchall()

        return [_read(*row) for row in await self._database.read(work)]

    async def remove(self, name: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            key = _key(connection, name)
            connection.execute("DELETE FROM collections WHERE id = ?", (key,))

        await self._database.write(work)

    async def insert(self, name: str, images: Sequence[CollectionImage]) -> list[bool]:
        for image in images:
            check_image(image.name)
        rows = [_row(image) for image in images]

        def work(connection: sqlite3.Connection) -> list[bool]:
            key = _key(connection, name)
            return [
                connection.execute(
                    f"INSERT INTO collection_images (collection, {', '.join(_WHOLE)}) "
                    f"VALUES (?{', ?' * len(_WHOLE)}) ON CONFLICT DO NOTHING",
                    (key, *row),
                ).rowcount
                == 1
                for row in rows
            ]

        return await self._database.write(work)

    async def image(self, name: str, image: str) -> CollectionImage:
        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                f"SELECT {', '.join(_WHOLE)} FROM collection_images "
                "WHERE collection = ? AND name = ?",
                (_key(connection, name), image),
            ).fetchone()

        row = await self._database.read(work)
        if row is None:
            raise _no_image(name, image)
        return _image(row)

    async def remove_image(self, name: str, image: str) -> None:
        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "DELETE FROM collection_images WHERE collection = ? AND name = ?",
                (_key(connection, name), image),
            ).rowcount

        if not await self._database.write(work):
            raise _no_image(name, image)

    async def page(self, name: str, after: str | None, limit: int) -> CollectionPage:
        def work(connection: sqlite3.Connection) -> tuple[int, list[Any]]:
            key = _key(connection, name)
            (total,) = connection.execute(
                "SELECT count(*) FROM collection_images WHERE collection = ?", (key,)
            ).fetchone()
            return total, _behind(connection, _ENTRY, key, after, limit + 1)

        total, rows = await self._database.read(work)
        entries = [_entry(row) for row in rows[:limit]]
        return CollectionPage(
            images=entries,
            total=total,
            next=entries[-1].name if len(rows) > limit else None,
        )

    async def export(self, name: str) -> AsyncGenerator[CollectionImage, None]:
        last: str | None = None
        while True:
            rows = await self._database.read(partial(_exported, name=name, after=last))
            for row in rows:
                yield _image(row)
            if len(rows) < _EXPORTED:
                return
            last = rows[-1][0]


def _exported(connection: sqlite3.Connection, name: str, after: str | None) -> list[Any]:
    return _behind(connection, _WHOLE, _key(connection, name), after, _EXPORTED)


def _behind(
    connection: sqlite3.Connection,
    columns: tuple[str, ...],
    key: int,
    after: str | None,
    limit: int,
) -> list[Any]:
    """The rows behind the name `after`. SQLite compares UTF-8 by bytes, which is by code point."""
    return connection.execute(
        f"SELECT {', '.join(columns)} FROM collection_images "
        "WHERE collection = ? AND name > ? ORDER BY name LIMIT ?",
        (key, after or "", limit),
    ).fetchall()


def _collection(connection: sqlite3.Connection, name: str) -> Collection:
    row = connection.execute(
        "SELECT name, pipeline, created_at FROM collections WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise _no_collection(name)
    return _read(*row)


def _key(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT id FROM collections WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise _no_collection(name)
    return int(row[0])


def _no_collection(name: str) -> NotStored:
    return NotStored(f"there is no collection {name!r}")


def _no_image(name: str, image: str) -> NotStored:
    return NotStored(f"the collection {name!r} has no image {image!r}")


def _read(name: str, pipeline: str, created_at: int) -> Collection:
    return Collection(
        name=name,
        pipeline=CollectionPipeline.model_validate_json(pipeline),
        created_at=moment(created_at),
    )


def _row(image: CollectionImage) -> tuple[Any, ...]:
    values = image.model_dump() | {"created_at": microseconds(image.created_at)}
    return tuple(values[column] for column in _WHOLE)


def _entry(row: tuple[Any, ...]) -> CollectionEntry:
    return CollectionEntry.model_construct(**_values(_ENTRY, row))


def _image(row: tuple[Any, ...]) -> CollectionImage:
    return CollectionImage.model_construct(**_values(_WHOLE, row))


def _values(columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(columns, row, strict=True))
    return values | {"created_at": moment(values["created_at"])}
