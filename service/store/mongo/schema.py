"""The store's own collections and indexes, as steps from one version to the next.

A step that was released is never changed: what is new is a new step.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from pymongo import ASCENDING, IndexModel

from service.store.names import OWN_PREFIX

META = f"{OWN_PREFIX}meta"
IMAGES = f"{OWN_PREFIX}images"
COLLECTIONS = f"{OWN_PREFIX}collections"
RECIPES = f"{OWN_PREFIX}recipes"
JOBS = f"{OWN_PREFIX}jobs"
JOB_IMAGES = f"{OWN_PREFIX}job_images"
JOB_RESULTS = f"{OWN_PREFIX}job_results"
OUTPUTS = f"{OWN_PREFIX}outputs"

BY_WIDTH = ("width", "height")
BY_HEIGHT = ("height", "width")
BY_FORMAT = ("format", "width", "height")
BY_ID = ("_id",)
"""What a count is found in."""

_IMAGE_KEYS = (
    ("path", "_id"),
    ("width", "_id"),
    ("height", "_id"),
    BY_WIDTH,
    BY_HEIGHT,
    BY_FORMAT,
    ("megapixels", "_id"),
    ("bytes", "_id"),
    ("modified", "_id"),
)


async def _first(database: Any) -> None:
    await database[IMAGES].create_indexes(
        [IndexModel([(key, ASCENDING) for key in keys]) for keys in _IMAGE_KEYS]
    )
    await database[RECIPES].create_indexes(
        [IndexModel([("name", ASCENDING), ("version", ASCENDING)], unique=True)]
    )


async def _second(database: Any) -> None:
    await database[JOBS].create_indexes(
        [
            IndexModel([("key", ASCENDING)], unique=True, sparse=True),
            IndexModel([("created_at", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("state", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)]),
        ]
    )
    await database[JOB_IMAGES].create_indexes(
        [IndexModel([("job", ASCENDING), ("chunk", ASCENDING)], unique=True)]
    )
    await database[JOB_RESULTS].create_indexes(
        [
            IndexModel([("job", ASCENDING), ("seq", ASCENDING)], unique=True),
            IndexModel([("job", ASCENDING), ("index", ASCENDING)], unique=True),
        ]
    )


async def _third(database: Any) -> None:
    await database[OUTPUTS].create_indexes([IndexModel([("used_at", ASCENDING)])])


async def _fourth(database: Any) -> None:
    calls = {"call_at": {"$gte": 0}}
    await database[JOBS].create_indexes(
        [IndexModel([("call_at", ASCENDING)], partialFilterExpression=calls)]
    )


STEPS: tuple[Callable[[Any], Awaitable[None]], ...] = (_first, _second, _third, _fourth)
