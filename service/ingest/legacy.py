"""The original protocol: pickles, one behind the other, answered with fixed words.

Its first message is `(folder, [names...])`, then there is an image of Pillow for each name. An
image is acknowledged when it has come in whole; what becomes of it the log tells. The last answer
is given when all is stored. There are no words for a fault: its clients print what they are
answered, so that they are told in a line of text.
"""

import asyncio
import logging
import re
from collections.abc import Sequence

from processors.jobs import Job
from processors.pickled_image import FolderNames, PickledFolder, PickledImage
from processors.pickles.scanner import PickleLimits, Scanner
from processors.plan import Pipeline
from service.engine.base import WorkItem
from service.errors import InvalidRequest
from service.ingest.answers import ALL_RECEIVED, IMAGE_RECEIVED, NAMES_RECEIVED, line
from service.ingest.body import Body
from service.ingest.budget import Account
from service.ingest.connection import Connection, Disconnected
from service.ingest.conversation import Conversation
from service.ingest.intake import Depot, Intake
from service.normalising import Outcome
from service.problems import problem_of
from service.transfer import MemoryFile, MemorySink, MemorySource

_log = logging.getLogger("darkroom.ingest")

_ROOM = 64 * 1024
"""Bytes that may follow the pixels, which say how long they are."""

_STEP = 1000
"""Opcodes that are walked over before the event loop may do something else: half a millisecond."""

_SLASHES = re.compile(r"[/\\]+")


class Legacy(Conversation):
    """Reads no pickle itself: their ends are found here, their contents read in the workers."""

    protocol = "pickle"

    def __init__(self, connection: Connection, depot: Depot) -> None:
        super().__init__(connection, depot)
        most = depot.settings.max_images
        # A name has 255 characters at most, and is written with three opcodes.
        self._first = PickleLimits(64 * 1024 + 1100 * most, 1000 + 4 * most)
        self._image = PickleLimits(depot.settings.max_pickle)
        self._names: list[str | None] = []

    async def start(self, account: Account) -> str:
        data = await self._pickle(self._first, account)
        found = await self._read_names(data)
        account.give(len(data))
        most = self.depot.settings.max_images
        if len(found.images) > most:
            detail = f"{len(found.images)} images, the limit is {most} (DARKROOM_INGEST_MAX_IMAGES)"
            raise InvalidRequest(detail)
        self._names = found.images
        # Clients send what they were started with, which may be a path to the folder.
        return _SLASHES.split(found.folder.rstrip("/\\"))[-1]

    async def welcome(self) -> None:
        await self.connection.write(NAMES_RECEIVED)

    async def take_images(self, intake: Intake, account: Account) -> None:
        for name in self._names:
            body = await self._pickle(self._image, account)
            await intake.put(name or "", body)
            await self.connection.write(IMAGE_RECEIVED)

    async def conclude(self, intake: Intake) -> None:
        await self.connection.write(ALL_RECEIVED)

    async def refuse(self, error: Exception) -> None:
        await self.connection.write(line(problem_of(error).detail))

    async def report(self, outcomes: Sequence[Outcome]) -> None:
        """There is no word for it."""

    def job_of(self, pipeline: Pipeline) -> Job:
        return PickledImage(pipeline, self._image)

    async def _pickle(self, limits: PickleLimits, account: Account) -> Body:
        """The next pickle, whose bytes are on the account. Raises as Scanner, Connection and
        Account."""
        scanner, body = Scanner(limits), Body()
        while not scanner.done:
            data = await self.connection.read(len(body))
            if not data:
                raise Disconnected("the client closed the connection before its last image")
            used = await self._walked(scanner, data)
            self.connection.unread(data[used:])
            # Of a part that does not say how long it is, there may be as much as there may be.
            most = limits.max_bytes if scanner.open_ended else scanner.announced + _ROOM
            account.expect(most)
            await account.take(used)
            body.append(data[:used])
        account.whole()
        self.connection.whole()
        return body

    async def _walked(self, scanner: Scanner, data: bytes) -> int:
        """What `scanner.feed` gives. One connection at a time: many would hold up the event loop
        together as one without steps would."""
        async with self.depot.walking:
            used = scanner.feed(data, _STEP)
            while used < len(data) and not scanner.done:
                await asyncio.sleep(0)
                used += scanner.feed(data[used:], _STEP)
        return used

    async def _read_names(self, data: Body) -> FolderNames:
        async with self.depot.gate:
            with MemoryFile() as source, MemoryFile() as sink:
                source.write(b"".join(data.pieces))
                item = WorkItem(0, MemorySource(source.path), MemorySink(sink.path))
                dispatcher = self.depot.services.dispatcher
                async for result in dispatcher.run(PickledFolder(self._first), [item]):
                    if result.error is not None:
                        raise result.error
                    return FolderNames.from_json(sink.read(0, result.outputs[0].bytes))
        raise AssertionError("a dispatcher gives a result for each item")
