"""The contract of a store: what is kept between requests, and between starts.

A store has parts, one for each kind of thing. Its methods may be called from any event loop, and
never block one. It opens itself at its first use: it connects, makes its indexes, and brings an
older database to the present version, one step after the other. Every method raises
StoreUnavailable when the database is away or does not answer within seconds, and works again
when it is back. What a method has done when it returns survives the death of this process.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from schemas.collections import (
    Collection,
    CollectionImage,
    CollectionPage,
    CollectionPipeline,
)
from schemas.library import ImagePage, ImageQuery, KnownFile, LibraryImage
from schemas.recipes import Recipe, RecipeBody
from service.store.errors import (
    CursorRefused,
    NameRefused,
    NotStored,
    StoredOtherwise,
    StoreError,
    StoreTooNew,
    StoreUnavailable,
)
from service.store.jobs import JobStore
from service.store.outputs import OutputStore

__all__ = [
    "CollectionStore",
    "CursorRefused",
    "ImageStore",
    "JobStore",
    "NameRefused",
    "NotStored",
    "OutputStore",
    "RecipeStore",
    "Store",
    "StoreError",
    "StoreTooNew",
    "StoreUnavailable",
    "StoredOtherwise",
]


class ImageStore(ABC):
    """The library's index. The files themselves are no business of the store."""

    @abstractmethod
    async def put(self, images: Sequence[LibraryImage]) -> None:
        """Add images, or replace those with the same id."""

    @abstractmethod
    async def remove(self, ids: Sequence[str]) -> int:
        """Forget images; gives how many of them were there."""

    @abstractmethod
    async def get(self, id: str) -> LibraryImage:
        """Raises NotStored."""

    @abstractmethod
    async def page(self, query: ImageQuery) -> ImagePage:
        """The images that `query` asks for, `limit` at most, behind its cursor.

        Images with equal values of the sort key follow in the order of their ids, so that a walk
        through all pages meets each image once, whatever is added meanwhile. `total` counts all
        that fit the query, whatever the cursor. Raises CursorRefused.
        """

    @abstractmethod
    async def known(self) -> list[KnownFile]:
        """All files of the index, in no order."""

    @abstractmethod
    async def hashes(self) -> list[tuple[str, str]]:
        """The id and the perceptual hash of all images that have one, in no order."""


class CollectionStore(ABC):
    """Collections of small images. `names.py` says which names they can have."""

    @abstractmethod
    async def create(self, name: str, pipeline: CollectionPipeline) -> Collection:
        """The collection `name`, made if it is missing.

        Of many calls at once one makes it. Raises NameRefused, and StoredOtherwise when it is
        there with another pipeline.
        """

    @abstractmethod
    async def get(self, name: str) -> Collection:
        """Raises NotStored."""

    @abstractmethod
    async def all(self) -> list[Collection]:
        """All collections in the order of their names."""

    @abstractmethod
    async def remove(self, name: str) -> None:
        """Remove a collection and its images. Raises NotStored."""

    @abstractmethod
    async def insert(self, name: str, images: Sequence[CollectionImage]) -> list[bool]:
        """For each image, in their order: whether it was inserted, or its name was there already.

        An image that is there is left alone; of several with one name, also in other calls at the
        same time, one is inserted: a unique index decides. Raises NotStored and NameRefused; then
        none was inserted.
        """

    @abstractmethod
    async def image(self, name: str, image: str) -> CollectionImage:
        """Raises NotStored."""

    @abstractmethod
    async def remove_image(self, name: str, image: str) -> None:
        """Raises NotStored."""

    @abstractmethod
    async def page(self, name: str, after: str | None, limit: int) -> CollectionPage:
        """Up to `limit` images in the order of their names, by code point, behind `after`.

        `next` is the name to go on behind, None at the end. Raises NotStored.
        """

    @abstractmethod
    def export(self, name: str) -> AsyncGenerator[CollectionImage, None]:
        """All images in the order of their names, read as they are asked for.

        Raises NotStored at the first.
        """


class RecipeStore(ABC):
    """Named, versioned pipelines."""

    @abstractmethod
    async def put(self, name: str, body: RecipeBody) -> Recipe:
        """Store the next version, or give the last one when `body` is equal to it.

        Versions count from 1 without gaps, also for calls at the same time; they go on behind a
        removal. Raises NameRefused.
        """

    @abstractmethod
    async def get(self, name: str, version: int | None = None) -> Recipe:
        """A version, by default the last one. Raises NotStored."""

    @abstractmethod
    async def all(self) -> list[Recipe]:
        """The last version of each recipe, in the order of their names."""

    @abstractmethod
    async def remove(self, name: str) -> None:
        """Remove a recipe with all its versions. Raises NotStored."""


class Store(ABC):
    """The parts, and the connection that they share."""

    kind: Literal["SQLite", "MongoDB"]
    images: ImageStore
    collections: CollectionStore
    recipes: RecipeStore
    jobs: JobStore
    outputs: OutputStore

    @abstractmethod
    async def open(self) -> None:
        """Be ready for use; every method does so by itself. Idempotent.

        Raises StoreUnavailable, and StoreTooNew.
        """

    @abstractmethod
    async def ping(self) -> None:
        """Ask the database whether it is there. Raises StoreUnavailable."""

    @abstractmethod
    async def version(self) -> str:
        """The version of the database, which it is asked for. Raises as `ping`."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of all connections. The next use opens it again."""
