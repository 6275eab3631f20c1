"""What outputs were made of, in SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple

from service.store.outputs import OutputRecord, OutputStore
from service.store.sqlite.database import Database

_COLUMNS = "path, digest, files, used_at"


class SqliteOutputs(OutputStore):
    """See OutputStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, paths: Sequence[str]) -> list[OutputRecord]:
        marks = ", ".join("?" * len(paths))

        def work(connection: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
            query = f"SELECT {_COLUMNS} FROM outputs WHERE path IN ({marks})"
            return connection.execute(query, tuple(paths)).fetchall()

        return [OutputRecord(*row) for row in await self._database.read(work)]

    async def put(self, records: Sequence[OutputRecord]) -> None:
        rows = [astuple(record) for record in records]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?)", rows)

        await self._database.write(work)

    async def expire(self, before: int) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return connection.execute("DELETE FROM outputs WHERE used_at < ?", (before,)).rowcount

        return await self._database.write(work)
