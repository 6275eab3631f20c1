"""The library's index in SQLite."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from schemas.library import ImagePage, ImageQuery, KnownFile, LibraryImage
from service.store.base import ImageStore, NotStored
from service.store.cursors import after, cursor, microseconds, moment, order_of
from service.store.sqlite.database import Database

_COLUMNS = (
    "id",
    "path",
    "width",
    "height",
    "megapixels",
    "format",
    "bytes",
    "channels",
    "bit_depth",
    "modified",
    "sha256",
    "perceptual_hash",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM images"
_PUT = (
    f"INSERT OR REPLACE INTO images ({', '.join(_COLUMNS)}, folded) "
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)}, :folded)"
)
_BOUNDS = {
    "min_width": "width >= ?",
    "max_width": "width <= ?",
    "min_height": "height >= ?",
    "max_height": "height <= ?",
    "format": "format = ?",
}
_FEW = 500
"""As many matches are sorted faster than they are found in the order of the key."""


class SqliteImages(ImageStore):
    """See ImageStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, images: Sequence[LibraryImage]) -> None:
        rows = [_row(image) for image in images]
        await self._database.write(lambda connection: connection.executemany(_PUT, rows))

    async def remove(self, ids: Sequence[str]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            keys = [(id,) for id in ids]
            return connection.executemany("DELETE FROM images WHERE id = ?", keys).rowcount

        return await self._database.write(work) if ids else 0

    async def get(self, id: str) -> LibraryImage:
        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()

        row = await self._database.read(work)
        if row is None:
            raise NotStored(f"there is no image {id}")
        return _image(row)

    async def page(self, query: ImageQuery) -> ImagePage:
        where, values = _conditions(query)

        def work(connection: sqlite3.Connection) -> tuple[int, list[Any]]:
            (total,) = connection.execute(
                f"SELECT count(*) FROM images WHERE {where}", values
            ).fetchone()
            sql, more = _page(query, where, total)
            return total, connection.execute(sql, (*values, *more)).fetchall()

        total, rows = await self._database.read(work)
        images = [_image(row) for row in rows[: query.limit]]
        return ImagePage(
            images=images,
            total=total,
            next=cursor(query, images[-1]) if len(rows) > query.limit else None,
        )

    async def known(self) -> list[KnownFile]:
        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute("SELECT id, path, bytes, modified FROM images").fetchall()

        return [
            KnownFile(id=id, path=path, bytes=count, modified=moment(modified))
            for id, path, count, modified in await self._database.read(work)
        ]

    async def hashes(self) -> list[tuple[str, str]]:
        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                "SELECT id, perceptual_hash FROM images WHERE perceptual_hash IS NOT NULL"
            ).fetchall()

        return await self._database.read(work)


def _conditions(query: ImageQuery) -> tuple[str, tuple[Any, ...]]:
    given = {
        sql: value for name, sql in _BOUNDS.items() if (value := getattr(query, name)) is not None
    }
    if query.name is not None:
        given["instr(folded, ?) > 0"] = query.name.casefold()
    return " AND ".join(given) or "1", tuple(given.values())


def _page(query: ImageQuery, where: str, total: int) -> tuple[str, tuple[Any, ...]]:
    """The rows of a page, and the values behind those of `where`.

    Which images they are is found out in an index alone, which holds all that bounds speak of;
    only then are their rows looked up.
    """
    tail, last = _behind(query)
    key, descending = order_of(query)
    way = "DESC" if descending else "ASC"
    order = f"ORDER BY {key} {way}, id {way}"
    values = (*last, query.limit + 1)
    if total <= _FEW:
        found = f"SELECT id FROM images WHERE {where}"
        return f"{_SELECT} WHERE id IN ({found}) AND {tail} {order} LIMIT ?", values
    # The plus keeps other bounds from choosing the index: that is for the order to do.
    walked = where
    for other in {"width", "height"} - {key}:
        walked = walked.replace(other, f"+{other}")
    found = f"SELECT id FROM images WHERE {walked} AND {tail} {order} LIMIT ?"
    return f"{_SELECT} WHERE id IN ({found}) {order}", values


def _behind(query: ImageQuery) -> tuple[str, tuple[Any, ...]]:
    key, descending = order_of(query)
    last = after(query)
    if last is None:
        return "1", ()
    return f"({key}, id) {'<' if descending else '>'} (?, ?)", last


def _row(image: LibraryImage) -> dict[str, Any]:
    values = image.model_dump()
    return values | {"modified": microseconds(image.modified), "folded": image.path.casefold()}


def _image(row: tuple[Any, ...]) -> LibraryImage:
    values = dict(zip(_COLUMNS, row, strict=True))
    return LibraryImage.model_construct(**values | {"modified": moment(values["modified"])})
