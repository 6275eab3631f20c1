"""What the two protocols have in common: a folder whose images come in while others are stored."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence

from processors.errors import ProcessorError
from processors.jobs import Job
from processors.plan import Pipeline
from service.errors import RequestError
from service.ingest.budget import Account
from service.ingest.connection import Connection, Disconnected
from service.ingest.intake import Depot, Intake, status_of
from service.normalising import Outcome

_log = logging.getLogger("darkroom.ingest")


class Conversation(ABC):
    """One connection's, from its first message to its last."""

    protocol: str

    def __init__(self, connection: Connection, depot: Depot) -> None:
        self.connection = connection
        self.depot = depot
        self.under_way = False
        """Whether there is a folder: when the service ends, it may be finished."""

    async def run(self) -> None:
        """Hold it. Raises an ExceptionGroup or what ends it early; what came in whole is stored."""
        async with self.depot.budget.account() as account:
            name = await self.start(account)
            collection = await self.depot.collection(name)
            self.under_way = True
            _log.info("the folder goes into the collection %s", collection.name)
            intake = Intake(self.depot, account, collection, self._reported, self.job_of)
            await self.welcome()
            async with asyncio.TaskGroup() as group:
                group.create_task(intake.run())
                try:
                    await self.take_images(intake, account)
                except (RequestError, ProcessorError, Disconnected):
                    await intake.finish()
                    raise
                await intake.finish()
            counts = [intake.tally[status] for status in ("inserted", "existing", "failed")]
            _log.info("done: %d inserted, %d existing, %d failed", *counts)
            await self.conclude(intake)

    @abstractmethod
    async def start(self, account: Account) -> str:
        """Read the first message, and give the name of the collection."""

    @abstractmethod
    async def welcome(self) -> None:
        """Answer the first message."""

    @abstractmethod
    async def take_images(self, intake: Intake, account: Account) -> None:
        """Read all images."""

    @abstractmethod
    async def conclude(self, intake: Intake) -> None:
        """Say that all is done."""

    @abstractmethod
    async def refuse(self, error: Exception) -> None:
        """Tell the client why it ends early."""

    @abstractmethod
    async def report(self, outcomes: Sequence[Outcome]) -> None:
        """Tell the client what became of images."""

    def job_of(self, pipeline: Pipeline) -> Job:
        """What is done to the bytes of an image."""
        return pipeline

    async def _reported(self, outcomes: Sequence[Outcome]) -> None:
        counter = self.depot.services.metrics.ingested
        for outcome in outcomes:
            counter.labels(self.protocol, status_of(outcome)).inc()
            if outcome.error is not None:
                _log.warning("image %.300r failed: %s", outcome.name, outcome.error.detail)
        await self.report(outcomes)
