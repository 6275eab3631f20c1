"""What Prometheus scrapes."""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from processors.errors import StepFailed
from processors.jobs import Job
from processors.pickled_image import PickledImage
from processors.plan import Pipeline
from processors.variants import Variants
from service.backlog import BacklogCollector
from service.engine.admission import Admission
from service.engine.base import Engine, ItemResult
from service.errors import kind_of
from service.store.jobs import JobStore

disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class EngineCollector(Collector):
    """The engine's state at the moment of the scrape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[GaugeMetricFamily]:
        status = self._engine.status()
        for name, text, value in (
            ("workers", "Worker processes.", status.workers),
            ("workers_busy", "Worker processes that work.", status.busy),
            ("queued_tasks", "Tasks that wait for a worker.", status.queued),
        ):
            yield GaugeMetricFamily(f"darkroom_{name}", text, value)


class AdmissionCollector(Collector):
    """What large images take, and how many wait, at the moment of the scrape."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterable[GaugeMetricFamily]:
        taken, waiting = self._admission.load()
        for name, text, value in (
            (
                "large_image_bytes",
                "Memory that large images under way are estimated to take.",
                taken,
            ),
            ("large_images_waiting", "Large images that wait for memory.", waiting),
        ):
            yield GaugeMetricFamily(f"darkroom_{name}", text, value)


class Metrics:
    """The counters of one application; each has its own registry."""

    def __init__(self, engine: Engine, jobs: JobStore) -> None:
        registry = self._registry = CollectorRegistry()
        registry.register(EngineCollector(engine))
        self._backlog = BacklogCollector(jobs)
        registry.register(self._backlog)
        self.requests = Histogram(
            "darkroom_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            registry=registry,
            buckets=_SECONDS,
        )
        self.images = Counter(
            "darkroom_images",
            "Results written, by format.",
            ("format",),
            registry=registry,
        )
        self.failures = Counter(
            "darkroom_images_failed",
            "Images that failed, by kind of problem and by the operation at fault.",
            ("kind", "operation"),
            registry=registry,
        )
        self.streams = Gauge(
            "darkroom_streams",
            "Open connections of the image stream.",
            registry=registry,
        )
        self.operations = Counter(
            "darkroom_operations",
            "Operations applied to images.",
            ("operation",),
            registry=registry,
        )

        self.connections = Gauge(
            "darkroom_ingest_connections",
            "Connections of the TCP listener that are open.",
            registry=registry,
        )
        self.ingested = Counter(
            "darkroom_ingest_images",
            "Images that came in over TCP, by protocol and by what became of them.",
            ("protocol", "status"),
            registry=registry,
        )

    def watch(self, admission: Admission) -> None:
        """Show what it has let in."""
        self._registry.register(AdmissionCollector(admission))

    def register(self, collector: Collector) -> None:
        """Show what `collector` collects, too."""
        self._registry.register(collector)

    def count_images(self, job: Job, results: Sequence[ItemResult]) -> None:
        """Count the images of a task, whatever request they belong to.

        A job that makes no image counts by its failures alone.
        """
        for result in results:
            if result.error is not None:
                operation = result.error.op if isinstance(result.error, StepFailed) else ""
                self.failures.labels(kind_of(result.error).slug, operation).inc()
        written = [result for result in results if result.made is None or not result.made.unchanged]
        if isinstance(job, PickledImage):
            job = job.pipeline
        if isinstance(job, Pipeline | Variants):
            self._count_written(job, written)

    def _count_written(self, job: Pipeline | Variants, results: Sequence[ItemResult]) -> None:
        formats = Tally(output.format for result in results for output in result.outputs)
        for format, count in formats.items():
            self.images.labels(format).inc(count)
        for operation, count in _applied(job, results).items():
            self.operations.labels(operation).inc(count)

    def total(self, sample: str) -> float:
        """The sum of a sample such as `darkroom_images_total` over all labels; 0 without one."""
        families = self._registry.restricted_registry([sample]).collect()
        found = [one for family in families for one in family.samples]
        return sum(one.value for one in found if one.name == sample)

    async def scrape(self) -> bytes:
        """As `render`, with the backlog of the store as it is now, give or take some seconds."""
        await self._backlog.look()
        return self.render()

    def render(self) -> bytes:
        """The exposition format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)


def _applied(job: Pipeline | Variants, results: Sequence[ItemResult]) -> Tally[str]:
    """How often each operation was applied."""
    done = sum(result.error is None for result in results)
    steps = job.steps if isinstance(job, Pipeline) else job.steps()
    applied = Tally({operation.op: 0 for _, operation in steps})
    for _, operation in steps:
        applied[operation.op] += done
    applied.subtract(failure.op for result in results for failure in result.skipped)
    return +applied
