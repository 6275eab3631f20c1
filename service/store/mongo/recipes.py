"""Recipes in MongoDB. A removed recipe leaves a document without a body, which keeps its count."""

from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from schemas.recipes import Recipe, RecipeBody
from service.store.base import NotStored, RecipeStore, StoreUnavailable
from service.store.cursors import microseconds, moment
from service.store.mongo.database import Connection, Database
from service.store.mongo.schema import RECIPES
from service.store.names import check_recipe

_MOST_RACES = 100


class MongoRecipes(RecipeStore):
    """See RecipeStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name: str, body: RecipeBody) -> Recipe:
        check_recipe(name)
        content = body.model_dump_json()
        async with self._database.use() as database:
            for _ in range(_MOST_RACES):
                last = await _last(database, name)
                if last is not None and last["body"] == content:
                    return _recipe(last)
                document = {
                    "name": name,
                    "version": last["version"] + 1 if last else 1,
                    "body": content,
                    "created_at": microseconds(datetime.now(UTC)),
                }
                try:
                    await database[RECIPES].insert_one(document)
                except DuplicateKeyError:
                    continue  # somebody else's change became this version
                return _recipe(document)
        raise StoreUnavailable(f"the recipe {name!r} is being changed by too many at once")

    async def get(self, name: str, version: int | None = None) -> Recipe:
        async with self._database.use() as database:
            if version is None:
                found = await _last(database, name)
            else:
                found = await database[RECIPES].find_one({"name": name, "version": version})
        if found is None or found["body"] is None:
            which = "" if version is None else f" of version {version}"
            raise NotStored(f"there is no recipe {name!r}{which}")
        return _recipe(found)

    async def all(self) -> list[Recipe]:
        stages: list[dict[str, Any]] = [
            {"$sort": {"name": 1, "version": -1}},
            {"$group": {"_id": "$name", "last": {"$first": "$$ROOT"}}},
            {"$match": {"last.body": {"$ne": None}}},
            {"$sort": {"_id": 1}},
        ]
        async with self._database.use() as database:
            found = await database[RECIPES].aggregate(stages).to_list(None)
        return [_recipe(group["last"]) for group in found]

    async def remove(self, name: str) -> None:
        async with self._database.use() as database:
            last = await _last(database, name)
            if last is None or last["body"] is None:
                raise NotStored(f"there is no recipe {name!r}")
            emptied = {"$set": {"body": None}}
            await database[RECIPES].update_one({"_id": last["_id"]}, emptied)
            earlier = {"name": name, "version": {"$lt": last["version"]}}
            await database[RECIPES].delete_many(earlier)


async def _last(database: Connection, name: str) -> dict[str, Any] | None:
    return await database[RECIPES].find_one({"name": name}, sort=[("version", -1)])


def _recipe(document: dict[str, Any]) -> Recipe:
    values = RecipeBody.model_validate_json(document["body"]).model_dump()
    return Recipe(
        name=document["name"],
        version=document["version"],
        created_at=moment(document["created_at"]),
        **values,
    )
