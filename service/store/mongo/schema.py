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

BY_WIDTH = ("width", "height", "format")
BY_HEIGHT = ("height", "width", "format")
BY_FORMAT = ("format",)
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


STEPS: tuple[Callable[[Any], Awaitable[None]], ...] = (_first,)
