"""The parts over one file."""

import sqlite3
from pathlib import Path

from service.store.base import Store
from service.store.sqlite.collections import SqliteCollections
from service.store.sqlite.database import Database
from service.store.sqlite.images import SqliteImages
from service.store.sqlite.jobs import SqliteJobs
from service.store.sqlite.outputs import SqliteOutputs
from service.store.sqlite.recipes import SqliteRecipes


class SqliteStore(Store):
    """The database file at `path`."""

    kind = "SQLite"

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.images = SqliteImages(self._database)
        self.collections = SqliteCollections(self._database)
        self.recipes = SqliteRecipes(self._database)
        self.jobs = SqliteJobs(self._database)
        self.outputs = SqliteOutputs(self._database)

    async def open(self) -> None:
        await self._database.open()

    async def ping(self) -> None:
        await self._database.read(lambda connection: connection.execute("SELECT 1").fetchone())

    async def version(self) -> str:
        def work(connection: sqlite3.Connection) -> str:
            return str(connection.execute("SELECT sqlite_version()").fetchone()[0])

        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()
