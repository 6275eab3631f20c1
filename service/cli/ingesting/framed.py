"""The framed protocol: images are sent on while earlier ones are answered."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path

from processors.errors import ImageTooLarge
from service.cli.ingesting import images
from service.cli.ingesting.link import CONNECT_SECONDS, Link, linked
from service.cli.ingesting.messages import (
    OPENING,
    Error,
    Ready,
    Result,
    Summary,
    message,
    receive,
    stranger,
)
from service.cli.ingesting.tally import IngestTally
from service.cli.report import problem_text
from service.cli.server import ServerLost, ServerRefuses
from service.storage import SourceUnreadable

_WINDOW = 64
"""Images that are sent and not answered."""


async def converse(
    found: socket.socket,
    key: str | None,
    waiting: deque[Path],
    tally: IngestTally,
    changed: Callable[[], None],
) -> None:
    """Send as many of `waiting` as one connection may bring, and take their results.

    Raises ServerRefuses for what the server says when it is greeted, ServerLost for any other end.
    """
    async with linked(found) as link:
        ready = await _welcomed(link, tally.collection, key)
        tally.connection = ready.connection
        most = ready.limits.images or len(waiting)
        sent = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        folder = _Sending(link, ready, tally, changed)
        # One of them that fails ends the loop, and the other with it.
        await asyncio.gather(folder.send(sent), folder.receive())


async def _welcomed(link: Link, collection: str, key: str | None) -> Ready:
    hello = {"type": "hello", "collection": collection} | ({"api_key": key} if key else {})
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await link.send(OPENING, *message(hello))
            answer = await receive(link)
    except TimeoutError:
        raise ServerRefuses(
            f"the server does not answer within {CONNECT_SECONDS:g} s: is it the port of "
            "DARKROOM_INGEST_PORT, and not that of the HTTP API?"
        ) from None
    if isinstance(answer, Error):
        raise ServerRefuses(problem_text(answer.problem))
    if not isinstance(answer, Ready):
        raise stranger()
    return answer


class _Sending:
    """One connection's images: those that were sent are answered in their order."""

    def __init__(
        self, link: Link, ready: Ready, tally: IngestTally, changed: Callable[[], None]
    ) -> None:
        self._link = link
        self._ready = ready
        self._tally = tally
        self._changed = changed
        self._unanswered: deque[str] = deque()
        self._room = asyncio.Semaphore(_WINDOW)
        self._ended = False

    async def send(self, paths: list[Path]) -> None:
        for path in paths:
            await self._room.acquire()
            await self._send(path)
        self._ended = True
        await self._link.send(*message({"type": "end"}))

    async def _send(self, path: Path) -> None:
        try:
            data = images.read(path, self._ready.limits.image_bytes)
        except (SourceUnreadable, ImageTooLarge) as error:
            self._tally.refuse(path.name, error)
            self._answered()
            return
        finally:
            self._link.moved()  # the disk took that time, not the server
        self._unanswered.append(path.name)
        await self._link.send(*message({"type": "image", "name": path.name}, data))

    async def receive(self) -> None:
        """Until the summary. Raises ServerLost."""
        while not isinstance(answer := await receive(self._link), Summary):
            self._take(answer)
        if self._unanswered or not self._ended:
            raise stranger()

    def _take(self, answer: Ready | Result | Error) -> None:
        if isinstance(answer, Error):
            raise ServerLost(problem_text(answer.problem))
        if isinstance(answer, Ready) or not self._unanswered:
            raise stranger()
        if answer.name != self._unanswered.popleft():
            raise stranger()
        if answer.status == "failed":
            if answer.error is None:
                raise stranger()
            self._tally.refuse(answer.name, answer.error)
        else:
            kept = self._tally.inserted if answer.status == "inserted" else self._tally.existing
            kept.append(answer.name)
        self._answered()

    def _answered(self) -> None:
        self._room.release()
        self._changed()
