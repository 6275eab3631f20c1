"""The benchmarks measure what they say, on a few small images."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from benchmarks import (
    chart,
    growth,
    ingest,
    latency,
    operations,
    preview,
    report,
    rules,
    sections,
    stores,
    stream,
)
from benchmarks.contestants.base import Contestant
from benchmarks.contestants.darkroom import Server
from benchmarks.contestants.program import BareOpenCV, Pillow, SerialOpenCV
from benchmarks.counterparts import PILLOW, VIPS, Counterpart
from benchmarks.measure import Effort, compare
from benchmarks.operations import Cost
from benchmarks.quality import references, similarity
from benchmarks.results import Results, ratio_to
from benchmarks.runners.pillow import gaussian
from benchmarks.workloads import WORKLOADS, Inputs, Picture, Work
from processors.registry import registry
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


# --- the cost of each operation ----------------------------------------------------------------

COSTS = [Cost("invert", 0.06, 0.7, 0.24), Cost("hue=90", 14.1, None, None)]

SAME = 1.0
"""Levels by which a counterpart may differ on average, away from the sides: some round, Pillow
blurs for its unsharp mask by boxes."""

OWN_RANDOM = {"noise=10"}


def pillows(counterpart: Counterpart, rgb: Any) -> Any:
    return np.asarray(counterpart(PillowImage.fromarray(rgb)))


def vips(counterpart: Counterpart, rgb: Any) -> Any:
    import pyvips

    image = pyvips.Image.new_from_array(rgb, interpretation="srgb")
    return np.squeeze(counterpart(image).numpy())


COUNTERPARTS = [
    *((use, pillows, counterpart) for use, counterpart in PILLOW.items()),
    *((use, vips, counterpart) for use, counterpart in VIPS.items() if use not in OWN_RANDOM),
]


@pytest.mark.parametrize(
    ("use", "library", "counterpart"),
    COUNTERPARTS,
    ids=[f"{use}-{library.__name__}" for use, library, _ in COUNTERPARTS],
)
def test_a_counterpart_does_the_same(use: str, library: Any, counterpart: Counterpart) -> None:
    image = photograph(96, 64, 4 if use.startswith("flatten") else 3)
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
    rgb = np.ascontiguousarray(image[..., order[image.shape[2]]])
    (found,) = registry().parse(use).produce(image)
    ours = found[..., order[found.shape[2]]] if found.ndim == 3 else found
    theirs = library(counterpart, rgb)
    assert theirs.shape == ours.shape
    assert np.abs(theirs.astype(float) - ours)[2:-2, 2:-2].mean() <= SAME


def test_counterparts_are_those_of_the_examples() -> None:
    examples = {operation.example for operation in registry()}
    assert (PILLOW.keys() | VIPS.keys()) - examples == set()


def test_a_cost_is_told_for_each_library_that_has_the_operation() -> None:
    invert, hue = operations.measure(photograph(64, 48), 0.001, {"invert", "hue"})
    assert (invert.use, hue.use) == ("invert", "hue=90")
    assert min(*invert[1:], hue.darkroom) > 0
    assert hue[2:] == (None, None)


def test_costs_say_how_many_times_as_long_others_take() -> None:
    section = "\n".join(sections.costs_section(COSTS))
    assert "| `invert` | 0.06 | 0.70 | 11.7 | 0.24 | 4.00 |" in section
    assert "| `hue=90` | 14.1 | - | - | - | - |" in section


def test_costs_without_pyvips_leave_its_columns_out_and_say_so() -> None:
    section = "\n".join(sections.costs_section([cost._replace(vips=None) for cost in COSTS]))
    assert "| `invert` | 0.06 | 0.70 | 11.7 |\n" in section
    assert "pyvips is not measured" in section


def test_costs_replace_their_section_of_the_page_alone() -> None:
    page = "# Benchmarks\n\nfirst\n\n## How it is measured\n\nlast\n"
    once = sections.with_costs(page, COSTS)
    head, section, tail = once.partition("\n".join(sections.costs_section(COSTS)))
    assert section
    assert head + tail.lstrip("\n") == page
    again = sections.with_costs(once, COSTS[:1])
    assert again == sections.with_costs(page, COSTS[:1])


def test_costs_are_measured_in_a_process_of_their_own_too() -> None:
    (invert,) = operations.measure_apart(0.001, {"invert"})
    assert invert.use == "invert"
    assert min(*invert[1:]) > 0


# --- the store ---------------------------------------------------------------------------------

STORES = stores.StoreFigures(
    entries=100_000,
    queries=300,
    images=1000,
    pages=[stores.Pages("SQLite", "store", 2.04, 5.31)],
    inserts=[stores.Inserts("Darkroom, SQLite", 1442.4)],
    missing="there is none",
)


def test_the_store_is_measured_on_each_backend(inputs: Inputs) -> None:
    found = stores.measure(inputs.small, entries=300, queries=5, images=7)
    backends = ["SQLite"] if found.missing else ["SQLite", "MongoDB"]
    assert [one[:2] for one in found.pages] == [
        (backend, way) for backend in backends for way in ("store", "HTTP")
    ]
    assert all(0 < one.median <= one.p95 for one in found.pages)
    assert len(found.inserts) == (1 if found.missing else 3)
    assert min(one.rate for one in found.inserts) > 0


def test_the_store_replaces_its_section_of_the_page_alone() -> None:
    page = sections.with_costs("# Benchmarks\n\n## How it is measured\n\nlast\n", COSTS)
    once = sections.with_stores(page, STORES)
    assert "| SQLite | store | 2.0 | 5.3 |\n" in once
    assert "| Darkroom, SQLite | 1,442 |\n" in once
    assert "MongoDB is not measured: there is none." in once
    section = "\n".join(sections.stores_section(STORES)).rstrip() + "\n\n"
    assert once.replace(section, "") == page
    assert sections.with_stores(once, STORES) == once


# --- folders over TCP --------------------------------------------------------------------------

INGEST = ingest.IngestFigures(
    images=1000,
    bytes=20_400.0,
    rates=[
        ingest.Rate("HTTP", 1, [2000.0, 1000.0, 900.0]),
        ingest.Rate("framed", 1, [1500.0, 1499.0, 2500.0]),
        ingest.Rate("HTTP", 20, [750.0] * 3),
        ingest.Rate("framed", 20, [1500.0] * 3),
    ],
)


def test_folders_are_measured_in_each_way(inputs: Inputs) -> None:
    found = ingest.measure(inputs.small, images=7, repeats=2, clients=(1, 3))
    ways = ("HTTP", "framed", "pickle")
    assert [rate[:2] for rate in found.rates] == [(way, count) for count in (1, 3) for way in ways]
    assert {len(rate.rates) for rate in found.rates} == {2}
    assert min(min(rate.rates) for rate in found.rates) > 0


def test_folders_replace_their_section_of_the_page_alone() -> None:
    page = sections.with_costs("# Benchmarks\n\n## How it is measured\n\nlast\n", COSTS)
    once = sections.with_ingest(page, INGEST)
    assert "| HTTP | 1 | 1,000 | 900 to 2,000 | 1.00 |\n" in once
    assert "| framed | 1 | 1,500 | 1,499 to 2,500 | 1.50 |\n" in once
    assert "| framed | 20 | 1,500 | 1,500 to 1,500 | 2.00 |\n" in once
    section = "\n".join(sections.ingest_section(INGEST)).rstrip() + "\n\n"
    assert once.replace(section, "") == page
    assert sections.with_ingest(once, INGEST) == once


# --- images over WebSocket ---------------------------------------------------------------------

STREAM = stream.StreamFigures(
    images=2000,
    rates=[
        stream.StreamRate(stream.BARE, None, [500.0, 400.0, 600.0]),
        stream.StreamRate(stream.PROCESS, 8, [250.0, 200.0, 200.0]),
        stream.StreamRate(stream.ONE, 1, [400.0, 400.0, 400.0]),
    ],
)


def test_streams_are_measured_in_each_way(inputs: Inputs) -> None:
    found = stream.measure(inputs.small, images=12, repeats=2)
    ways = [(stream.BARE, None), (stream.PROCESS, 8), (stream.ONE, 1), (stream.FOUR, 4)]
    assert [rate[:2] for rate in found.rates] == ways
    assert {len(rate.rates) for rate in found.rates} == {2}
    assert min(min(rate.rates) for rate in found.rates) > 0


def test_streams_replace_their_section_of_the_page_alone() -> None:
    page = sections.with_costs("# Benchmarks\n\n## How it is measured\n\nlast\n", COSTS)
    once = sections.with_stream(page, STREAM)
    assert "| POST /v1/process | 8 | 200 | 200 to 250 | 0.50 | 1.00 |\n" in once
    assert "| One WebSocket | 1 | 400 | 400 to 400 | 0.80 | 2.00 |\n" in once
    section = "\n".join(sections.stream_section(STREAM)).rstrip() + "\n\n"
    assert once.replace(section, "") == page
    assert sections.with_stream(once, STREAM) == once


# --- the lab's preview -------------------------------------------------------------------------

PREVIEW = preview.PreviewFigures(12.0, 99.6, 30, [preview.Preview("`blur`", 20.0, 30.0, 15.0)])


def test_previews_are_measured_beside_the_work_alone(inputs: Inputs) -> None:
    pictures = preview.of_twelve_megapixels(inputs.large)
    assert [picture.width for picture in pictures] == [3200]
    found = preview.measure(pictures, requests=2)
    assert [one.title for one in found.previews] == [*preview.PIPELINES]
    assert min(min(one.median, one.bare, found.first) for one in found.previews) > 0


def test_previews_replace_their_section_of_the_page_alone() -> None:
    page = sections.with_costs("# Benchmarks\n\n## How it is measured\n\nlast\n", COSTS)
    once = sections.with_preview(page, PREVIEW)
    assert "| `blur` | 20.0 | 30.0 | 15.0 | 25% |\n" in once
    section = "\n".join(sections.preview_section(PREVIEW)).rstrip() + "\n\n"
    assert once.replace(section, "") == page
    assert sections.with_preview(once, PREVIEW) == once


def _picture(path: Path, width: int, height: int, seed: int) -> Picture:
    cv2.imwrite(str(path), photograph(width, height, seed=seed), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return Picture(path, width, height)


def _work(inputs: Inputs, name: str, folder: Path) -> Work:
    workload = next(workload for workload in WORKLOADS if workload.name == name)
    pictures: list[Picture] = getattr(inputs, workload.inputs)
    return Work(workload, pictures, len(pictures), folder)
