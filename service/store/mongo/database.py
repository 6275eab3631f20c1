"""The connection to MongoDB, and what of it becomes which error.

This is the one module that imports motor; its calls are those of pymongo's AsyncMongoClient.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from service.store.base import StoreTooNew, StoreUnavailable
from service.store.mongo.schema import META, STEPS

DEFAULT_DATABASE = "darkroom"
_OPTIONS: dict[str, Any] = {
    "appname": "darkroom",
    "maxPoolSize": 32,
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 10_000,
    "waitQueueTimeoutMS": 5000,
    "retryWrites": True,
    # What is acknowledged lies in the journal, and so survives a server that is killed.
    "w": "majority",
    "journal": True,
    "tz_aware": True,
}
_NOT_ALLOWED = {13, 18}
"""Unauthorized, AuthenticationFailed: MongoDB's codes."""

_REFUSED = "MongoDB refuses the user or the password of DARKROOM_STORE"

Connection = AsyncIOMotorDatabase[dict[str, Any]]


class Database:
    """The database that `url` names; what the URL says goes before our options."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: AsyncIOMotorClient[dict[str, Any]] | None = None
        self._current = False

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[Connection, None]:
        """The database, of the present version. Raises StoreUnavailable and StoreTooNew."""
        try:
            if not self._current:
                await _upgrade(self._connection())
                self._current = True
            yield self._connection()
        except OperationFailure as error:
            self._current = False
            raise StoreUnavailable(_reason(error)) from None
        except PyMongoError as error:
            self._current = False
            raise StoreUnavailable(_why_away(error)) from None

    async def close(self) -> None:
        client, self._client, self._current = self._client, None, False
        if client is not None:
            client.close()

    def _connection(self) -> Connection:
        if self._client is None:
            self._client = AsyncIOMotorClient(self._url, **_options(self._url))
            # motor would keep the first event loop that it meets; a TestClient has one a request.
            self._client.get_io_loop = asyncio.get_running_loop  # type: ignore[method-assign]
        return self._client.get_default_database(DEFAULT_DATABASE)


def check_url(url: str) -> None:
    """Raises ValueError for a URL that MongoDB does not take; it does not repeat the URL."""
    try:
        parse_uri(url)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise ValueError(type(error).__name__) from None


def _options(url: str) -> dict[str, Any]:
    given = {name.lower() for name in parse_uri(url)["options"]}
    return {name: value for name, value in _OPTIONS.items() if name.lower() not in given}


async def _upgrade(database: Connection) -> None:
    """Every step can be made twice, also by two processes at once: none needs a lock."""
    found = await database[META].find_one({"_id": "schema"})
    version = found["version"] if found else 0
    if version > len(STEPS):
        raise StoreTooNew(
            f"the database has version {version}, this service knows {len(STEPS)}: run the later "
            "version of the service that wrote it, or name another database in DARKROOM_STORE"
        )
    for number in range(version, len(STEPS)):
        await STEPS[number](database)
        await database[META].update_one(
            {"_id": "schema"}, {"$max": {"version": number + 1}}, upsert=True
        )


def _reason(error: OperationFailure) -> str:
    if error.code in _NOT_ALLOWED:
        return _REFUSED
    return f"MongoDB could not do it (code {error.code})"


def _why_away(error: PyMongoError) -> str:
    # Who was refused once is told of a server that cannot be found, for the same reason.
    if "AuthenticationFailed" in str(error):
        return _REFUSED
    return f"MongoDB is away ({type(error).__name__}): does it run where DARKROOM_STORE says?"
