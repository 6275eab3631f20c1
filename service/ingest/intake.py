"""From images of a connection to documents of a collection: what both protocols end in."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from processors.jobs import Job
from processors.plan import Pipeline
from schemas.collections import Collection
from service import normalising
from service.ingest.body import Body
from service.ingest.budget import Account, Budget
from service.normalising import Outcome
from service.services import Services
from service.transfer import MemoryFile
from service.uploads import Received

_BATCH = 32
"""Images of one connection that are processed at once, and as many that wait behind them."""

_STORING = 16
"""Connections whose images are processed at once; the others' wait."""

_MUCH = 1024 * 1024
"""Bytes whose copying would hold up the event loop."""

Status = Literal["inserted", "existing", "failed"]
Report = Callable[[Sequence[Outcome]], Awaitable[None]]


def status_of(outcome: Outcome) -> Status:
    if outcome.error is not None:
        return "failed"
    return "inserted" if outcome.inserted else "existing"


class Depot:
    """What all connections share. Of one event loop."""

    def __init__(self, services: Services) -> None:
        settings = services.settings.ingest
        self.services = services
        self.settings = settings
        # Longer than a client that holds memory may be slow while others wait for it.
        self.budget = Budget(settings.memory, 2 * settings.idle_timeout)
        self.gate = asyncio.Semaphore(_STORING)
        self.walking = asyncio.Lock()

    async def collection(self, name: str) -> Collection:
        """Raises StoreError."""
        return await normalising.collection_of(self.services.store.collections, name)


@dataclass(slots=True)
class _Arrived:
    name: str
    body: Body


class Intake:
    """The images of one folder, in their order.

    What `report` is told is stored. `run` goes on until `finish`, beside who calls `put`.
    """

    def __init__(
        self,
        depot: Depot,
        account: Account,
        collection: Collection,
        report: Report,
        job_of: Callable[[Pipeline], Job],
    ) -> None:
        self._depot = depot
        self._account = account
        self._collection = collection
        self._report = report
        self._job_of = job_of
        self._queue: asyncio.Queue[_Arrived | None] = asyncio.Queue(_BATCH)
        self._ended = False
        self._done = asyncio.Event()
        self.tally: Counter[Status] = Counter()

    async def put(self, name: str, body: Body) -> None:
        """Take an image whose bytes are on the account; waits while too many are under way."""
        await self._queue.put(_Arrived(name, body))

    async def finish(self) -> None:
        """Wait until all is stored and reported."""
        await self._queue.put(None)
        await self._done.wait()

    async def run(self) -> None:
        """Raises StoreError, EngineClosed, and what `report` raises."""
        while batch := await self._next():
            count = sum(len(arrived.body) for arrived in batch)
            async with self._depot.gate:
                outcomes = await self._stored(batch)
            self._account.give(count)
            self.tally.update(map(status_of, outcomes))
            await self._report(outcomes)
        self._done.set()

    async def _next(self) -> list[_Arrived]:
        batch: list[_Arrived] = []
        while not self._ended and len(batch) < _BATCH and not (batch and self._queue.empty()):
            arrived = await self._queue.get()
            if arrived is None:
                self._ended = True
            else:
                batch.append(arrived)
        return batch

    async def _stored(self, batch: list[_Arrived]) -> list[Outcome]:
        services = self._depot.services
        with MemoryFile() as held:
            files = await _moved(batch, held)
            return await normalising.outcomes(
                services.store.collections,
                services.dispatcher,
                self._collection,
                files,
                held,
                self._job_of,
            )


async def _moved(batch: list[_Arrived], held: MemoryFile) -> list[Received]:
    """The images of `batch`, each of which is let go of as soon as it is in `held`."""
    files, offset = [], 0
    for arrived in batch:
        body, arrived.body = arrived.body, Body()
        if len(body) > _MUCH:
            await asyncio.to_thread(_write, held, body)
        else:
            _write(held, body)
        files.append(Received(arrived.name, offset, len(body)))
        offset += len(body)
    return files


def _write(held: MemoryFile, body: Body) -> None:
    for piece in body.pieces:
        held.write(piece)
    body.pieces.clear()
