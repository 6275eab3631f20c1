"""A Dask cluster beside the process pool of one machine, and how far such a cluster grows."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.contestants.darkroom import Server
from benchmarks.dask_cluster import DaskCluster, milliseconds_a_task
from benchmarks.inputs import scratch
from benchmarks.memory import own_seconds, processor_seconds
from benchmarks.saturation import Costs, throughput
from benchmarks.workloads import WORKLOADS, Inputs, Picture, Work, Workload

WORKERS = 2
_TICK = 0.01
"""Seconds in which processor time is counted: less is not to be seen."""

_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Point(NamedTuple):
    """Images a second of `workers`, simulated, with as many API `servers` as they need."""

    workers: int
    servers: int
    rate: float


class Growth(NamedTuple):
    """What a workload costs, and what clusters make of it."""

    workload: Workload
    costs: Costs
    points: list[Point]


class ClusterFigures(NamedTuple):
    """One run: images a second of both engines, one for each repeat, and the growth."""

    images: int
    local: list[float]
    dask: list[float]
    growth: list[Growth]

    @property
    def ratio(self) -> float:
        """Of the cluster to the pool: both ran in turns, so each pair is of the same moment."""
        return median(dask / local for dask, local in zip(self.dask, self.local, strict=True))


class _Run(NamedTuple):
    """Images a second, and milliseconds of a processor an image."""

    rate: float
    server: float
    workers: float = 0.0


def measure(pictures: Inputs, images: int, repeats: int, tasks: int) -> ClusterFigures:
    """Both engines take turns at the small images; the large ones are for what they cost.

    The scheduler is weighed with `tasks` at once.
    """
    folder = Path(tempfile.mkdtemp(prefix="darkroom-cluster-", dir=scratch()))
    small, _, large = WORKLOADS
    try:
        with DaskCluster(folder, WORKERS) as cluster:
            scheduler = milliseconds_a_task(cluster, pictures.small[0], tasks)
            with Server() as pool, Server(engine=cluster.url) as spread:
                work = _work(small, pictures.small, images, folder)
                turns = [
                    (_once(pool, work), _once(spread, work, cluster)) for _ in range(repeats + 1)
                ][1:]  # the first is to warm up
                work = _work(large, pictures.large, max(10, images // 10), folder)
                runs = {small: turns[-1][1], large: _once(spread, work, cluster)}
    finally:
        shutil.rmtree(folder)
    growth = [_growth(workload, run, scheduler) for workload, run in runs.items()]
    local, dask = zip(*turns, strict=True)
    return ClusterFigures(images, [run.rate for run in local], [run.rate for run in dask], growth)


def _work(workload: Workload, pictures: Sequence[Picture], images: int, folder: Path) -> Work:
    return Work(workload, list(pictures), images, folder / "results")


def _once(server: Server, work: Work, cluster: DaskCluster | None = None) -> _Run:
    work.folder.mkdir(exist_ok=True)
    server.prepare(work)
    before = _processor_seconds(server, cluster)
    started = perf_counter()
    server.run()
    rate = work.count / (perf_counter() - started)
    after = _processor_seconds(server, cluster)
    shutil.rmtree(work.folder)
    taken = (max(_TICK, end - begin) for begin, end in zip(before, after, strict=True))
    return _Run(rate, *(seconds / work.count * 1000 for seconds in taken))


def _processor_seconds(server: Server, cluster: DaskCluster | None) -> list[float]:
    """Of the server without its children, and of the cluster's workers with theirs."""
    (process,) = server.processes
    return [own_seconds(process), processor_seconds(cluster.workers if cluster else ())]


def _growth(workload: Workload, run: _Run, scheduler: float) -> Growth:
    costs = Costs(run.workers, run.server, scheduler)
    counts = [(workers, costs.needed_servers(workers)) for workers in _COUNTS]
    points = [Point(*count, throughput(costs, *count)) for count in counts]
    return Growth(workload, costs, points)
