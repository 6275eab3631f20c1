"""The benchmarks measure what they say, on a few small images."""

from pathlib import Path
from typing import Any

import cv2
import pytest

from benchmarks import chart, growth, latency, report, rules
from benchmarks.contestants.base import Contestant
from benchmarks.contestants.darkroom import Server
from benchmarks.contestants.program import BareOpenCV, Pillow, SerialOpenCV
from benchmarks.measure import Effort, compare
from benchmarks.quality import references, similarity
from benchmarks.results import Results, ratio_to
from benchmarks.runners.pillow import gaussian
from benchmarks.workloads import WORKLOADS, Inputs, Picture, Work
from tests.samples import photograph

BRIEF = Effort(seconds=0.05, rounds=2, tuning_rounds=1)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    small = [_picture(folder / f"{seed}.jpg", 480 + 32 * seed, 321, seed) for seed in range(3)]
    large = [_picture(folder / f"{width}.jpg", width, 400, 9) for width in (1700, 3200)]
    return Inputs(small, large)


@pytest.fixture(scope="module")
def results(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Results:
    contestants: list[Contestant] = [SerialOpenCV(), BareOpenCV(), Pillow()]
    workload = WORKLOADS[0]
    folder = tmp_path_factory.mktemp("results")
    figures = compare(contestants, workload, inputs, folder, BRIEF, lambda _: None)
    return Results(BRIEF, {"Processor": "any"}, {}, [(workload, figures)])


@pytest.fixture(scope="module")
def served(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results of Darkroom over HTTP, a folder for each workload."""
    folders = {}
    with Server() as server:
        for workload in WORKLOADS:
            folders[workload.name] = tmp_path_factory.mktemp(workload.name)
            server.prepare(_work(inputs, workload.name, folders[workload.name]))
            server.run()
    return folders


@pytest.mark.parametrize("name", [workload.name for workload in WORKLOADS])
def test_the_bare_loop_follows_the_plan_of_darkroom(
    name: str, inputs: Inputs, served: dict[str, Path], tmp_path: Path
) -> None:
    work = _work(inputs, name, tmp_path / "bare")
    work.folder.mkdir()
    with BareOpenCV().start(work.workload, "") as bare:
        bare.prepare(work)
        bare.run()
    for index in range(work.count):
        theirs = (served[name] / f"{index}.jpg").read_bytes()
        assert work.output(index).read_bytes() == theirs


def test_each_contestant_has_a_rate_for_each_round(results: Results) -> None:
    ((_, figures),) = results.figures
    assert [len(figure.rates) for figure in figures] == [BRIEF.rounds] * 3
    assert all(rate > 0 for figure in figures for rate in figure.rates)


def test_memory_counts_all_processes_of_a_contestant(results: Results) -> None:
    ((_, (serial, bare, _)),) = results.figures
    assert serial.peak > 20e6
    assert bare.peak > 1.5 * serial.peak


def test_quality_is_near_the_reference(results: Results) -> None:
    ((_, figures),) = results.figures
    assert all(figure.quality.by_area > 0.9 for figure in figures)


def test_ratio_is_to_the_fastest_of_those_named(results: Results) -> None:
    ((_, figures),) = results.figures
    fastest = max(figures, key=lambda figure: figure.rate)
    names = [figure.contestant.name for figure in figures]
    assert ratio_to(fastest, figures, *names) == 1
    assert ratio_to(fastest, figures, "sharp") is None


def test_page_and_chart_name_every_contestant(results: Results, tmp_path: Path) -> None:
    page = report.markdown(results)
    chart.draw(results, tmp_path / "chart.svg")
    drawing = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    for figure in results.figures[0][1]:
        assert figure.contestant.title in page
        assert figure.contestant.title in drawing


def test_a_failed_image_stops_the_measurement(inputs: Inputs, tmp_path: Path) -> None:
    missing = Picture(tmp_path / "missing.jpg", 64, 64)
    work = Work(WORKLOADS[0], [missing], 1, tmp_path)
    with SerialOpenCV().start(work.workload, "") as serial:
        serial.prepare(work)
        with pytest.raises(RuntimeError, match="failed"):
            serial.run()


def test_latency_tells_bare_work_from_request(inputs: Inputs) -> None:
    found = latency.measure(inputs.small, requests=5)
    assert 0 < found.bare_median < found.request_median
    assert found.added_median <= found.added_p95


def test_growth_is_of_the_server_process_alone(inputs: Inputs, tmp_path: Path) -> None:
    found = growth.measure(WORKLOADS[0], inputs.small, 12, tmp_path)
    assert found.peak >= found.before > 20e6


def test_rules_are_compared_on_the_same_pixels(inputs: Inputs) -> None:
    found = rules.measure(inputs.small[:1], repeats=1)
    assert {rule.rule for rule in found} == {"shrink_in_two_steps", "decode_reduced", "decode_gray"}
    assert all(0.9 < rule.similarity <= 1 for rule in found)


def test_references_agree_with_one_another(inputs: Inputs) -> None:
    by_area, by_lanczos = references(WORKLOADS[1], inputs.small[0])
    width, height = WORKLOADS[1].target(inputs.small[0])
    assert by_area.shape == by_lanczos.shape == (height, width, 3)
    assert similarity(by_area, by_lanczos) > 0.95


def test_kernel_for_pillow_is_that_of_opencv() -> None:
    taps: Any = cv2.getGaussianKernel(5, 4.0)
    assert gaussian(5, 4.0) == pytest.approx((taps @ taps.T).ravel().tolist())


def _picture(path: Path, width: int, height: int, seed: int) -> Picture:
    cv2.imwrite(str(path), photograph(width, height, seed=seed), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return Picture(path, width, height)


def _work(inputs: Inputs, name: str, folder: Path) -> Work:
    workload = next(workload for workload in WORKLOADS if workload.name == name)
    pictures: list[Picture] = getattr(inputs, workload.inputs)
    return Work(workload, pictures, len(pictures), folder)
