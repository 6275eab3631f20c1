"""What is still to do in the whole deployment, for whoever adds machines or takes them away."""

import asyncio
import time
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.store.errors import StoreError
from service.store.jobs import Backlog, JobStore

KEPT_SECONDS = 5.0
"""The database is asked no more often, however many ask for the metrics."""

_STORE_SECONDS = 1.0
"""Who scrapes does not wait for long."""


class BacklogCollector(Collector):
    """The backlog of the store's jobs as it was at the last `look`.

    All servers on one store tell the same. While the store is away there are no samples: a zero
    would have machines taken away.
    """

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._found: Backlog | None = None
        self._look_at = 0.0

    async def look(self) -> None:
        """Ask the store, unless that was done within KEPT_SECONDS."""
        moment = time.monotonic()
        if moment < self._look_at:
            return
        self._look_at = moment + KEPT_SECONDS
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                self._found = await self._jobs.backlog()
        except (StoreError, TimeoutError):
            self._found = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        if self._found is None:
            return
        yield GaugeMetricFamily(
            "darkroom_backlog_jobs",
            "Jobs that wait or run, of all servers on the store.",
            self._found.jobs,
        )
        yield GaugeMetricFamily(
            "darkroom_backlog_images", "Their images without a result.", self._found.images
        )
