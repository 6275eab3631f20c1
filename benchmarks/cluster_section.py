"""The section of the page on a Dask cluster, and the chart of how such a cluster grows."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks.chart import STYLE, save
from benchmarks.cluster import WORKERS, ClusterFigures, Growth
from benchmarks.sections import table, with_section

CHART = "scaling.svg"

_CLUSTER = "## A Dask cluster"

_INTRODUCTION = """\
The first workload, {images:,} images a request: the pool of {workers} processes on this machine,
and a Dask cluster on it of a scheduler and {workers} Dask workers of one thread, which shares the
processors with all of these. They take turns; the ratio is the median of those of {repeats} rounds.
"""

_GROWTH = """\
What a worker, an API server and the scheduler take of a processor, in milliseconds: of an image,
and of a task, which is a group of images. From these a simulation tells the images a second of
larger clusters, with as many API servers as they need; it knows nothing of networks and disks.

![Images a second against workers]({chart})
"""


def cluster_section(figures: ClusterFigures) -> Iterator[str]:
    """Both engines, the costs, and what is simulated from them."""
    yield f"{_CLUSTER}\n"
    yield _INTRODUCTION.format(images=figures.images, workers=WORKERS, repeats=len(figures.local))
    engines = (("process pool", figures.local), ("Dask", figures.dask))
    yield from table(
        ("Engine", "Images/s", "Slowest to fastest", "To the pool"),
        (_engine_row(figures, *engine) for engine in engines),
    )
    yield _GROWTH.format(chart=CHART)
    head = (
        "", "Worker, image", "API server, image", "Images a task", "Scheduler, task",
        "Workers an API server feeds", "Workers the scheduler feeds",
    )  # fmt: skip
    yield from table(head, map(_costs_row, figures.growth))
    yield from _points(figures.growth)


def _engine_row(figures: ClusterFigures, name: str, rates: list[float]) -> tuple[str, ...]:
    middle = sorted(rates)[len(rates) // 2]
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    ratio = f"{figures.ratio:.2f}" if rates is figures.dask else "1.00"
    return (name, f"{middle:,.0f}", spread, ratio)


def _costs_row(growth: Growth) -> tuple[str, ...]:
    costs = growth.costs
    return (
        growth.workload.title,
        f"{costs.worker:.2f}",
        f"{costs.server:.3f}",
        f"{costs.group}",
        f"{costs.scheduler:.2f}",
        f"{costs.most_workers_a_server:.0f}",
        f"{costs.most_workers:.0f}",
    )


def _points(growth: list[Growth]) -> Iterator[str]:
    """Simulated images a second, and in brackets the API servers."""
    head = ("Workers", *(one.workload.title for one in growth))
    rows = zip(*(one.points for one in growth), strict=True)
    yield from table(
        head,
        (
            (f"{row[0].workers}", *(f"{point.rate:,.0f} ({point.servers})" for point in row))
            for row in rows
        ),
    )


def with_cluster(page: str, figures: ClusterFigures) -> str:
    """`page` with this section in place of what it has of it, or before the costs."""
    return with_section(page, _CLUSTER, cluster_section(figures), "## Cost of each operation")


def draw(figures: ClusterFigures, path: Path) -> None:
    """Write the growth as SVG; dashed is what the workers would do if nothing held them up."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
        for growth in figures.growth:
            workers = [point.workers for point in growth.points]
            alone = [1000 * count / growth.costs.worker for count in workers]
            axes.plot(workers, alone, color="#a8b5c2", linestyle="--", linewidth=1)
            rates = [point.rate for point in growth.points]
            axes.plot(workers, rates, marker="o", label=growth.workload.title)
        axes.set(xscale="log", yscale="log", xlabel="Workers", ylabel="Images per second")
        axes.legend(frameon=False)
        save(figure, path)
