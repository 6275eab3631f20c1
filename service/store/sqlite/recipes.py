"""Recipes in SQLite. A removed recipe leaves a row without a body, which keeps its count."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from schemas.recipes import Recipe, RecipeBody
from service.store.base import NotStored, RecipeStore
from service.store.cursors import microseconds, moment
from service.store.names import check_recipe
from service.store.sqlite.database import Database

_SELECT = "SELECT name, version, body, created_at FROM recipes"
_LAST = f"{_SELECT} WHERE name = ? ORDER BY version DESC LIMIT 1"


class SqliteRecipes(RecipeStore):
    """See RecipeStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name: str, body: RecipeBody) -> Recipe:
        check_recipe(name)
        now = microseconds(datetime.now(UTC))

        def work(connection: sqlite3.Connection) -> tuple[Any, ...]:
            last = connection.execute(_LAST, (name,)).fetchone()
            if last is not None and last[2] == body.model_dump_json():
                return tuple(last)
            row = (name, last[1] + 1 if last else 1, body.model_dump_json(), now)
            connection.execute("INSERT INTO recipes VALUES (?, ?, ?, ?)", row)
            return row

        return _recipe(await self._database.write(work))

    async def get(self, name: str, version: int | None = None) -> Recipe:
        def work(connection: sqlite3.Connection) -> Any:
            if version is None:
                return connection.execute(_LAST, (name,)).fetchone()
            one = f"{_SELECT} WHERE name = ? AND version = ?"
            return connection.execute(one, (name, version)).fetchone()

        row = await self._database.read(work)
        if row is None or row[2] is None:
            which = "" if version is None else f" of version {version}"
            raise NotStored(f"there is no recipe {name!r}{which}")
        return _recipe(row)

    async def all(self) -> list[Recipe]:
        def work(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                f"{_SELECT} AS one WHERE body IS NOT NULL AND version = "
                "(SELECT max(version) FROM recipes WHERE name = one.name) ORDER BY name"
            ).fetchall()

        return [_recipe(row) for row in await self._database.read(work)]

    async def remove(self, name: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            last = connection.execute(_LAST, (name,)).fetchone()
            if last is None or last[2] is None:
                raise NotStored(f"there is no recipe {name!r}")
            connection.execute("DELETE FROM recipes WHERE name = ?", (name,))
            connection.execute("INSERT INTO recipes VALUES (?, ?, NULL, ?)", (name, last[1], 0))

        await self._database.write(work)


def _recipe(row: tuple[Any, ...]) -> Recipe:
    name, version, body, created_at = row
    values = RecipeBody.model_validate_json(body).model_dump()
    return Recipe(name=name, version=version, created_at=moment(created_at), **values)
