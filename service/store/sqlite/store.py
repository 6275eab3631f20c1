"""The parts over one file."""

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

    async def close(self) -> None:
        await self._database.close()
