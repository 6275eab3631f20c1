"""Batches of path pairs, and plans that say what a batch then does."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import cv2
import pytest

from processors.errors import DamagedImage, EncodeError, StepFailed, UnsupportedFormat
from processors.limits import Limits
from processors.operation import Operation, size_of
from processors.plan import Pipeline
from processors.registry import registry
from schemas.batches import Counts
from service.engine.base import Engine, ItemResult, WorkerCrashed
from service.engine.dispatch import Dispatcher
from service.jobs.batch import Batch, conflicts, counts_of, run_batch, status_of
from service.jobs.expansion import BatchImage
from service.jobs.plans import BatchPlanner, PlannedImage
from service.jobs.work import BatchWork
from service.storage import PathRefused, SinkTaken, SourceNotFound, Storage
from tests.plugins import Crash, Record
from tests.samples import photograph
from tests.workshop import PATIENCE, Workshop, local_engine, make_workshop

SIZES = {"photo.jpg": (160, 120), "photo.png": (97, 61), "photo.webp": (64, 64)}
POISON = 65
"""Width of the image that a trap is for."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = make_workshop(tmp_path_factory.mktemp("batches"))
    for name, (width, height) in SIZES.items():
        cv2.imwrite(str(made.root / name), photograph(width, height))
    return made


@pytest.fixture(scope="module")
def engine(shop: Workshop) -> Iterator[Engine]:
    with local_engine(shop, 2, PATIENCE) as made:
        yield made


@pytest.fixture
def dispatcher(engine: Engine, shop: Workshop) -> Dispatcher:
    return Dispatcher(engine, shop.storage)


def operations(*texts: str) -> tuple[tuple[int, Operation], ...]:
    return tuple(enumerate(registry().parse(text) for text in texts))


def run(
    dispatcher: Dispatcher, pipeline: Pipeline, *pairs: tuple[object, object]
) -> list[ItemResult]:
    """All results, in the order of the images."""
    images = [BatchImage(str(source), (str(sink),)) for source, sink in pairs]

    async def collect() -> list[ItemResult]:
        batch = Batch(BatchWork(pipeline), images)
        return [result async for result in run_batch(dispatcher, batch)]

    return sorted(asyncio.run(collect()), key=lambda result: result.index)


def plan(shop: Workshop, pipeline: Pipeline, source: object, sink: object) -> PlannedImage:
    planner = BatchPlanner(BatchWork(pipeline), Limits(), shop.storage)
    (planned,) = planner.plan(BatchImage(str(source), (str(sink),)))
    return planned


def errors(results: list[ItemResult]) -> list[type]:
    return [type(result.error) for result in results]


# --------------------------------------------------------------------------------- duplicates


def test_of_two_images_with_one_output_the_later_fails(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    first, second, other = (
        shop.root / "photo.png",
        shop.root / "photo.webp",
        shop.root / "photo.jpg",
    )
    target = shop.out / "same.png"
    results = run(
        dispatcher, Pipeline(), (first, target), (second, target), (other, shop.out / "other.png")
    )
    assert errors(results) == [type(None), SinkTaken, type(None)]
    assert str(target) in str(results[1].error)
    assert size_of(cv2.imread(str(target))) == SIZES["photo.png"]  # type: ignore[arg-type]


@pytest.mark.parametrize("spelling", ["{out}/./same.png", "{out}//same.png", "{out}/a/../same.png"])
def test_one_output_in_two_spellings_is_one(
    dispatcher: Dispatcher, shop: Workshop, spelling: str
) -> None:
    source = shop.root / "photo.png"
    results = run(
        dispatcher,
        Pipeline(),
        (source, shop.out / "same.png"),
        (source, spelling.format(out=shop.out)),
    )
    assert errors(results) == [type(None), SinkTaken]


def test_a_relative_and_an_absolute_path_to_one_output_are_one(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    source, target = shop.root / "photo.png", shop.out / "same.png"
    relative = os.path.relpath(target)
    results = run(dispatcher, Pipeline(), (source, target), (source, relative))
    assert errors(results) == [type(None), SinkTaken]


def test_one_output_through_a_link_to_its_folder_is_one(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    (shop.out / "link").symlink_to(shop.out)
    source = shop.root / "photo.png"
    results = run(
        dispatcher,
        Pipeline(),
        (source, shop.out / "same.png"),
        (source, shop.out / "link" / "same.png"),
    )
    assert errors(results) == [type(None), SinkTaken]


@pytest.mark.parametrize("path", ["\0/same.png", "\ud800/same.png", "a/" * 2000 + "same.png"])
def test_outputs_that_are_no_paths_fail_by_themselves(
    dispatcher: Dispatcher, shop: Workshop, path: str
) -> None:
    source = shop.root / "photo.png"
    results = run(dispatcher, Pipeline(), (source, path), (source, shop.out / "other.png"))
    assert errors(results) == [PathRefused, type(None)]


# ------------------------------------------------------------------------------- repeatability


def attempts(source: Path, sink: object, log: Path, engine: Engine) -> int:
    """How often an image is begun whose worker crashes."""
    record = Record(path=str(log))
    crashing = Pipeline(((0, record), (1, Crash(how="segfault"))))
    storage = Storage([source.parent], [source.parent], 1 << 20)
    (result,) = run(Dispatcher(engine, storage), crashing, (source, sink))
    assert isinstance(result.error, WorkerCrashed)
    return len(log.read_text().split())


def test_an_image_that_becomes_its_own_output_is_begun_once(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    source = shop.root / "photo.png"
    assert attempts(source, source, tmp_path / "log", engine) == 1


def test_its_own_output_in_another_spelling_is_its_own_output(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    source = shop.root / "photo.png"
    assert attempts(source, os.path.relpath(source), tmp_path / "log", engine) == 1


def test_its_own_output_through_a_link_is_its_own_output(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    (shop.root / "link").symlink_to(shop.root)
    source = shop.root / "photo.png"
    assert attempts(source, shop.root / "link" / "photo.png", tmp_path / "log", engine) == 1


def test_an_image_with_another_output_is_begun_twice(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    source = shop.root / "photo.png"
    assert attempts(source, shop.out / "new.png", tmp_path / "log", engine) == 2


def test_an_image_that_another_one_writes_is_begun_once(
    engine: Engine, shop: Workshop, tmp_path: Path
) -> None:
    log, source = tmp_path / "log", shop.out / "both.png"
    cv2.imwrite(str(source), photograph(POISON, 40))
    traps = Pipeline(((0, Record(path=str(log))), (1, Crash(width=POISON, how="segfault"))))
    dispatcher = Dispatcher(engine, shop.storage)
    missing = shop.root / "none.png"
    results = run(dispatcher, traps, (source, shop.out / "new.png"), (missing, source))
    assert errors(results) == [WorkerCrashed, SourceNotFound]
    assert log.read_text().split() == [str(POISON)]


def held(*images: BatchImage) -> list[int]:
    """The indexes of those that are begun once, as they may be an output."""
    return conflicts(images).once


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("p/p1_900.png", "p/p1_{width}.png"),
        ("p/p1_900.png", "./p//p1_{width}.png"),
        ("p/1x900.png", "p/{width}x{height}.png"),
        ("p/7_00900.png", "p/7_{height:05}.png"),
        ("p/7_  900.png", "p/7_{height:5}.png"),
        ("p/90 0.png", "p/9{width} 0.png"),
        ("p/{a}_900.png", "p/{{a}}_{width}.png"),
        ("{p}/900.png", "{{p}}/{width}.png"),
        ("p/{a}.png", "p/{{a}}.png"),
        ("p/900_2.png", "p/{width}.png"),
    ],
)
def test_an_input_that_an_open_output_may_be_is_begun_once(source: str, output: str) -> None:
    assert held(BatchImage(source, (f"q/{output}", output), open=True)) == [0]


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("p/p1_x.png", "p/p1_{width}.png"),
        ("q/p1_900.png", "p/p1_{width}.png"),
        ("p1/900.png", "p2/{width}.png"),
        ("p/p1_900.jpg", "p/p1_{width}.png"),
        ("p/p1.png", "p/p1_{width}.png"),
        ("p/{{a}}.png", "p/{{a}}.png"),
        ("p/p2.png", "p/p1.png"),
    ],
)
def test_an_input_that_no_open_output_can_be_is_begun_twice(source: str, output: str) -> None:
    assert held(BatchImage(source, (output,), open=True)) == []


def test_an_input_that_another_image_may_write_is_begun_once() -> None:
    images = [BatchImage(f"p/{n}_80.png", ("p/9_{width}.png",), open=True) for n in "ab9"]
    assert held(*images) == [2]


@pytest.mark.parametrize(("source", "again"), [("a_1.png", [0]), ("a_x.png", []), ("1.png", [])])
def test_an_input_that_a_split_may_write_is_begun_once(source: str, again: list[int]) -> None:
    assert held(BatchImage(f"p/{source}", ("p/a.png",))) == again


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        (("{{a}}.png", True), ("{a}.png", False), [1]),
        (("{width}.png", True), ("./{width}.png", True), [1]),
        (("{{width}}.png", True), ("{width}.png", True), []),
        (("{width}.png", True), ("0.png", False), []),
        (("{width}.png", True), ("{height}.png", True), []),
    ],
)
def test_outputs_are_compared_by_what_they_mean(
    first: tuple[str, bool], second: tuple[str, bool], taken: list[int]
) -> None:
    images = [BatchImage("in.png", (f"p/{path}",), is_open) for path, is_open in (first, second)]
    assert conflicts(images).taken == taken


# --------------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("error", "strict", "lenient"),
    [
        (None, "succeeded", "succeeded"),
        (SourceNotFound("none"), "failed", "skipped"),
        (DamagedImage("cut"), "failed", "skipped"),
        (WorkerCrashed(-11), "failed", "failed"),
    ],
)
def test_an_input_that_cannot_be_read_is_skipped_where_that_was_asked_for(
    error: Exception | None, strict: str, lenient: str
) -> None:
    result = ItemResult(0, error=error)
    assert status_of(result, Pipeline(on_invalid="fail")) == strict
    assert status_of(result, Pipeline(on_invalid="skip")) == lenient


def test_counts_add_up() -> None:
    counts = counts_of(Counter({"succeeded": 1, "failed": 2, "skipped": 1}))
    assert counts == Counts(total=4, succeeded=1, failed=2, skipped=1)


# ------------------------------------------------------------------------------------ plans


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("fidelity", ["fast", "exact"])
@pytest.mark.parametrize(
    "steps",
    [
        (),
        ("resize=0.3",),
        ("split", "resize=0.5"),
        ("rotate=30", "crop=5,5,20,20", "grayscale"),
        ("resize=40x40", "split=2,3", "split=1,2"),
    ],
    ids=",".join,
)
def test_a_run_writes_what_the_plan_says(
    name: str,
    fidelity: Literal["fast", "exact"],
    steps: tuple[str, ...],
    dispatcher: Dispatcher,
    shop: Workshop,
) -> None:
    pipeline = Pipeline(operations(*steps), fidelity=fidelity)
    pair = (shop.root / name, shop.out / "planned.webp")
    planned = plan(shop, pipeline, *pair)
    (result,) = run(dispatcher, pipeline, pair)
    assert planned.plan is not None
    assert planned.outputs == tuple(output.path for output in result.outputs)
    sizes = [(output.width, output.height) for output in result.outputs]
    assert list(planned.plan.sizes) == sizes
    for output in result.outputs:
        assert output.format == planned.plan.format
        written = cv2.imread(output.path, cv2.IMREAD_UNCHANGED)
        assert written is not None
        assert (written.shape[1], written.shape[0]) == (output.width, output.height)


def test_planning_writes_nothing(shop: Workshop) -> None:
    target = shop.out / "new folder" / "a.png"
    assert plan(shop, Pipeline(operations("split")), shop.root / "photo.png", target).error is None
    assert not target.parent.exists()


def cut(shop: Workshop) -> Path:
    path = shop.root / "cut.png"
    path.write_bytes((shop.root / "photo.png").read_bytes()[:20])
    return path


def text(shop: Workshop) -> Path:
    path = shop.root / "text.png"
    path.write_text("no image")
    return path


@pytest.mark.parametrize(
    ("source", "sink", "steps", "error"),
    [
        (lambda shop: shop.root / "none.png", "a.png", (), SourceNotFound),
        (lambda shop: Path("/etc/hostname"), "a.png", (), PathRefused),
        (cut, "a.png", (), DamagedImage),
        (text, "a.png", (), UnsupportedFormat),
        (lambda shop: shop.root / "photo.png", "../a.png", (), PathRefused),
        (lambda shop: shop.root / "photo.png", "a.docx", (), EncodeError),
        (lambda shop: shop.root / "photo.png", "a.png", ("crop=900,900,5,5",), StepFailed),
    ],
    ids=["missing", "outside", "cut", "text", "output outside", "extension", "step"],
)
def test_a_plan_meets_the_error_that_a_run_meets(
    source: Callable[[Workshop], Path],
    sink: str,
    steps: tuple[str, ...],
    error: type[Exception],
    dispatcher: Dispatcher,
    shop: Workshop,
) -> None:
    pipeline = Pipeline(operations(*steps))
    pair = (source(shop), shop.out / sink)
    planned = plan(shop, pipeline, *pair)
    (result,) = run(dispatcher, pipeline, pair)
    assert planned.plan is None
    assert type(planned.error) is type(result.error) is error
    assert str(planned.error) == str(result.error)


def with_metadata(path: Path, segments: int) -> bytes:
    """The JPEG with so many APP segments of 64 KB before its header."""
    data = path.read_bytes()
    segment = b"\xff\xef\xff\xff" + b"x" * 65533
    return data[:2] + segment * segments + data[2:]


def test_a_header_behind_a_megabyte_of_metadata_is_found(
    dispatcher: Dispatcher, shop: Workshop
) -> None:
    heavy = shop.root / "heavy.jpg"
    heavy.write_bytes(with_metadata(shop.root / "photo.jpg", 17))
    assert heavy.stat().st_size > 1 << 20
    pair = (heavy, shop.out / "heavy.png")
    planned = plan(shop, Pipeline(operations("resize=0.5")), *pair)
    assert planned.error is None
    assert planned.plan is not None
    assert planned.plan.sizes == ((80, 60),)
    (result,) = run(dispatcher, Pipeline(operations("resize=0.5")), pair)
    assert [(output.width, output.height) for output in result.outputs] == [(80, 60)]


def test_a_file_that_ends_in_its_metadata_is_damaged_in_the_plan_too(
    shop: Workshop,
) -> None:
    cut_off = shop.root / "cut_off.jpg"
    cut_off.write_bytes(with_metadata(shop.root / "photo.jpg", 17)[: 1 << 20])
    error = plan(shop, Pipeline(), cut_off, shop.out / "a.png").error
    assert isinstance(error, DamagedImage)
