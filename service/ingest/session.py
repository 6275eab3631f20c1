"""A connection from its first byte to its end, whatever ends it."""

import asyncio
import errno
import logging
from contextlib import suppress

from service.engine.base import EngineClosed
from service.errors import (
    INTERNAL,
    ConnectionTooSlow,
    NotAuthorized,
    RequestError,
    TooManyConnections,
    TooManyFiles,
    kind_of,
)
from service.ingest.answers import MAGIC, line
from service.ingest.connection import Connection, Disconnected
from service.ingest.conversation import Conversation
from service.ingest.framed import Framed
from service.ingest.intake import Depot
from service.ingest.legacy import Legacy
from service.problems import problem_of
from service.settings.parts import is_loopback

_log = logging.getLogger("darkroom.ingest")

TELL_SECONDS = 1.0
"""What a client has, where it cannot be waited for, to read why its connection ends."""


class Session:
    """Finds out which protocol the client speaks, holds the conversation, and tells its end."""

    def __init__(self, connection: Connection, depot: Depot, crowded: bool) -> None:
        self._connection = connection
        self._depot = depot
        self._settings = depot.settings
        self._crowded = crowded
        self._conversation: Conversation | None = None
        self._talking: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def under_way(self) -> bool:
        """Whether there is a folder that may be finished."""
        return self._conversation is not None and self._conversation.under_way

    def stop(self) -> None:
        """End it, because the service ends."""
        self._stopped = True
        if self._talking is not None:
            self._talking.cancel()

    async def run(self) -> None:
        """Raises nothing but CancelledError."""
        _log.info("connected from %s port %d", self._connection.host, self._connection.port)
        error = await self._outcome()
        if error is not None:
            _note(error)
        if isinstance(error, Disconnected):
            return
        if error is not None:
            with suppress(TimeoutError, RequestError, Disconnected):
                async with asyncio.timeout(TELL_SECONDS):
                    await self._tell(error)
        await self._connection.finish(*((TELL_SECONDS / 2,) if self._stopped else ()))
        _log.info("closed")

    async def _tell(self, error: Exception) -> None:
        if self._conversation is not None:
            await self._conversation.refuse(error)
        else:  # of which protocol it is it has not said: a line is read by people at least
            await self._connection.write(line(problem_of(error).detail))

    async def _outcome(self) -> Exception | None:
        """What ended the conversation early."""
        self._talking = asyncio.create_task(self._converse())
        if self._stopped:
            self._talking.cancel()
        try:
            await self._talking
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return EngineClosed()
        except Exception as error:  # noqa: BLE001 - whatever it is ends this connection alone
            return _first(error)
        return None

    async def _converse(self) -> None:
        total = self._settings.total_timeout
        try:
            async with asyncio.timeout(total):
                self._conversation = await self._begun()
                if self._crowded:
                    most = self._settings.connections
                    detail = f"{most} connections are open (DARKROOM_INGEST_CONNECTIONS)"
                    raise TooManyConnections(detail)
                if isinstance(self._conversation, Legacy):
                    self._check_legacy()
                await self._conversation.run()
        except TimeoutError:
            detail = f"the connection took more than {total:g} s (DARKROOM_INGEST_TOTAL_TIMEOUT)"
            raise ConnectionTooSlow(detail) from None

    async def _begun(self) -> Conversation:
        """The conversation, in the protocol of the first bytes."""
        first = b""
        while len(first) < len(MAGIC) and MAGIC.startswith(first):
            data = await self._connection.read()
            if not data:
                raise Disconnected("the client closed the connection before it said anything")
            first += data
        if first.startswith(MAGIC):
            self._connection.unread(first[len(MAGIC) :])
            return Framed(self._connection, self._depot)
        self._connection.unread(first)
        return Legacy(self._connection, self._depot)

    def _check_legacy(self) -> None:
        """Raises NotAuthorized."""
        server = self._depot.services.settings.server
        if not self._settings.takes_legacy(server):
            detail = "the original protocol is not spoken here (DARKROOM_INGEST_LEGACY)"
            raise NotAuthorized(detail)
        if server.api_keys and not is_loopback(self._connection.host):
            raise NotAuthorized(
                "the original protocol has no API key, and this service wants one: while "
                "DARKROOM_API_KEYS is set, DARKROOM_INGEST_LEGACY lets this machine alone in"
            )


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TooManyFiles("the server has no more descriptors of files")
    return error


def _note(error: Exception) -> None:
    if isinstance(error, Disconnected):
        _log.info("%s", error)
    elif kind_of(error) is INTERNAL:
        _log.error("ended unexpectedly", exc_info=error)
    else:
        _log.warning("ended: %s", error)
