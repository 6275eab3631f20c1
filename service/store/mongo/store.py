"""The parts over one connection."""

from service.store.base import Store
from service.store.mongo.collections import MongoCollections
from service.store.mongo.database import Database
from service.store.mongo.images import MongoImages
from service.store.mongo.jobs import MongoJobs
from service.store.mongo.outputs import MongoOutputs
from service.store.mongo.recipes import MongoRecipes


class MongoStore(Store):
    """The database that `url` names, `mongodb://user:password@host/database`."""

    kind = "MongoDB"

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self.images = MongoImages(self._database)
        self.collections = MongoCollections(self._database)
        self.recipes = MongoRecipes(self._database)
        self.jobs = MongoJobs(self._database)
        self.outputs = MongoOutputs(self._database)

    async def open(self) -> None:
        async with self._database.use():
            pass

    async def ping(self) -> None:
        async with self._database.use() as database:
            await database.command("ping")

    async def version(self) -> str:
        async with self._database.use() as database:
            return str((await database.command("buildInfo"))["version"])

    async def close(self) -> None:
        await self._database.close()
