"""All that one run found."""

from dataclasses import dataclass, field

from benchmarks.cluster import ClusterFigures
from benchmarks.growth import Growth
from benchmarks.ingest import IngestFigures
from benchmarks.latency import Latency
from benchmarks.measure import Effort, Figure
from benchmarks.operations import Cost
from benchmarks.preview import PreviewFigures
from benchmarks.rules import Rule
from benchmarks.stores import StoreFigures
from benchmarks.stream import StreamFigures
from benchmarks.workloads import Workload


@dataclass
class Results:
    """Parts that were left out are empty."""

    effort: Effort
    machine: dict[str, str]
    missing: dict[str, str]
    figures: list[tuple[Workload, list[Figure]]] = field(default_factory=list)
    latency: Latency | None = None
    growth: list[Growth] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    stores: StoreFigures | None = None
    ingest: IngestFigures | None = None
    stream: StreamFigures | None = None
    preview: PreviewFigures | None = None
    cluster: ClusterFigures | None = None


def rate_of(figures: list[Figure], *names: str) -> float | None:
    """The rate of the fastest of those contestants; None when none took part."""
    return max((figure.rate for figure in figures if figure.contestant.name in names), default=None)


def ratio_to(figure: Figure, figures: list[Figure], *names: str) -> float | None:
    """The rate of `figure` over that of the fastest of those contestants."""
    rate = rate_of(figures, *names)
    return figure.rate / rate if rate else None
