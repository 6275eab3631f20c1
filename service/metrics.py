"""What Prometheus scrapes."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from processors.errors import StepFailed
from processors.planner import Pipeline
from service.engine.base import Engine, ItemResult
from service.errors import kind_of

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


class Metrics:
    """The counters of one application; each has its own registry."""

    def __init__(self, engine: Engine) -> None:
        registry = self._registry = CollectorRegistry()
        registry.register(EngineCollector(engine))
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
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
        self.operations = Counter(
            "darkroom_operations",
            "Operations applied to images.",
            ("operation",),
            registry=registry,
        )

    def count_image(self, pipeline: Pipeline, result: ItemResult) -> None:
        """Count one image of a batch, a request or a stream."""
        if result.error is not None:
            operation = result.error.op if isinstance(result.error, StepFailed) else ""
            self._child(self.failures, kind_of(result.error).slug, operation).inc()
            return
        for output in result.outputs:
            self._child(self.images, output.format).inc()
        left_out = {failure.step for failure in result.skipped}
        for at, applied in pipeline.steps:
            if at not in left_out:
                self._child(self.operations, applied.op).inc()

    def _child(self, counter: Counter, *labels: str) -> Counter:
        """`counter.labels(...)` without its lock: this runs for every image."""
        key = (counter, labels)
        if key not in self._children:
            self._children[key] = counter.labels(*labels)
        return self._children[key]

    def render(self) -> bytes:
        """The exposition format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)
