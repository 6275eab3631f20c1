"""The benchmark of a cluster: a real one of two workers, and what is simulated of larger ones."""

from pathlib import Path

import cv2
import pytest

from benchmarks import cluster
from benchmarks.cluster import ClusterFigures
from benchmarks.cluster_section import CHART, cluster_section, draw, with_cluster
from benchmarks.saturation import Costs, throughput
from benchmarks.workloads import Inputs, Picture
from tests.samples import photograph

COSTS = Costs(worker=2.0, server=0.1, scheduler=5.0)
"""200 images a task: a server feeds 20 workers, and the scheduler 80."""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> ClusterFigures:
    path = tmp_path_factory.mktemp("pictures") / "0.jpg"
    cv2.imwrite(str(path), photograph(800, 600))
    pictures = [Picture(path, 800, 600)]
    return cluster.measure(Inputs(pictures, pictures), images=20, repeats=1, tasks=20)


def test_workers_that_nothing_holds_up_add_up() -> None:
    one = 1000 / COSTS.worker
    for workers in (1, 2, 10):
        assert throughput(COSTS, workers, 1) == pytest.approx(workers * one, rel=0.05)


def test_one_server_feeds_so_many_workers() -> None:
    assert COSTS.most_workers_a_server == pytest.approx(20)
    assert throughput(COSTS, 50, 1) == pytest.approx(1000 / COSTS.server, rel=0.02)
    assert throughput(COSTS, 50, COSTS.needed_servers(50)) > 2 * throughput(COSTS, 50, 1)


def test_the_scheduler_saturates() -> None:
    assert COSTS.most_workers == pytest.approx(80)
    ceiling = 1000 / COSTS.scheduler * COSTS.group
    for workers in (200, 500):
        found = throughput(COSTS, workers, COSTS.needed_servers(workers))
        assert found == pytest.approx(ceiling, rel=0.02)


def test_both_engines_are_measured_and_what_they_cost(figures: ClusterFigures) -> None:
    assert len(figures.local) == len(figures.dask) == 1
    assert figures.ratio == figures.dask[0] / figures.local[0]
    for growth in figures.growth:
        assert min(growth.costs) > 0
        assert [point.workers for point in growth.points][-1] == 1000


def test_the_section_is_written_anew(figures: ClusterFigures) -> None:
    page = with_cluster("# Benchmarks\n\n## Cost of each operation\n\nrest\n", figures)
    assert page == with_cluster(page, figures)
    assert "\n".join(cluster_section(figures)).rstrip() in page
    assert page.endswith("## Cost of each operation\n\nrest\n")


def test_the_chart_is_drawn(figures: ClusterFigures, tmp_path: Path) -> None:
    draw(figures, tmp_path / CHART)
    assert "Images per second" in (tmp_path / CHART).read_text(encoding="utf-8")
