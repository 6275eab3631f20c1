"""What a plan predicts and refuses: sizes, failures, limits, memory."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from processors.errors import EncodeError, ImageTooLarge, StepFailed
from processors.limits import Limits
from processors.operation import Size, size_of
from processors.pipeline import Runner
from processors.probing import probe
from tests.processors.files import JPEG, PNG, oriented, pipeline, pixels_of, planned
from tests.samples import photograph

# --- predictions -------------------------------------------------------------------------------

POOL = (
    *("resize=0.5", "resize=0.3", "resize=0.25", "resize=1.7", "resize=60x40", "resize=37x"),
    *("resize=31x57,cover", "resize=33x20,contain", "resize=50x50,inside", "resize=x23"),
    *("split", "split=1,3", "split=none", "blur=3", "grayscale", "crop=3,5,40,30", "resize=1"),
    *("crop=2,1,20,50", "rotate=90", "rotate=33", "rotate=-20,false", "rotate=360", "flip"),
)
WIDTHS, HEIGHTS = (17, 33, 64, 101, 127, 160), (19, 32, 75, 99, 128)
CASES = 200


def random_case(seed: int) -> tuple[bytes, list[str], dict[str, Any]]:
    draw = random.Random(seed)
    image = photograph(draw.choice(WIDTHS), draw.choice(HEIGHTS), draw.choice((1, 3)))
    texts = [draw.choice(POOL) for _ in range(draw.randint(0, 6))]
    fidelity, on_invalid = draw.choice(("fast", "exact")), draw.choice(("fail", "skip"))
    settings = {"fidelity": fidelity, "on_invalid": on_invalid}
    return oriented(image, draw.randint(1, 8)), texts, settings


def outcome(work: Callable[[], tuple[Size, ...]]) -> object:
    """The sizes, or the failure with the step at fault."""
    try:
        return work()
    except StepFailed as error:
        return error.args


@pytest.mark.parametrize("first", range(0, CASES, 20))
def test_the_sizes_and_failures_are_those_predicted(first: int) -> None:
    for seed in range(first, first + 20):
        data, texts, settings = random_case(seed)
        runner = Runner(pipeline(*texts, **settings), Limits())
        predicted = outcome(partial(planned_sizes, runner, data))
        assert outcome(partial(real_sizes, runner, data)) == predicted, (seed, texts)


def planned_sizes(runner: Runner, data: bytes) -> tuple[Size, ...]:
    return runner.plan(probe(data), "result.png").sizes


def real_sizes(runner: Runner, data: bytes) -> tuple[Size, ...]:
    """The sizes of the files that come out, which are those told beside them."""
    images = runner.run(data, "result.png").images
    sizes = tuple(size_of(pixels_of(image.data)) for image in images)
    assert tuple(image.size for image in images) == sizes
    return sizes


@pytest.mark.parametrize("seed", range(40))
def test_what_is_skipped_was_predicted_to_be(seed: int) -> None:
    data, texts, _ = random_case(seed)
    runner = Runner(pipeline(*texts, "crop=1000,0,5,5", on_invalid="skip"), Limits())
    found = runner.run(data, "result.png").skipped
    assert found == runner.plan(probe(data), "result.png").skipped
    assert found[-1].step == len(texts)


@pytest.mark.parametrize("seed", range(40))
def test_fast_and_exact_give_the_same_sizes(seed: int) -> None:
    data, texts, _ = random_case(seed)
    fast, exact = (
        planned(*texts, header=probe(data), on_invalid="skip", fidelity=fidelity)
        for fidelity in ("fast", "exact")
    )
    assert fast.sizes == exact.sizes


def test_the_sizes_after_each_step_are_told() -> None:
    found = planned("crop=500x400", "split=1,2", "resize=0.5", header=PNG)
    assert [step.sizes for step in found.steps] == [
        (Size(500, 400),),
        (Size(250, 400), Size(250, 400)),
        (Size(125, 200), Size(125, 200)),
    ]


# --- limits and lenience -----------------------------------------------------------------------


def test_a_large_image_is_refused_before_decoding() -> None:
    with pytest.raises(ImageTooLarge, match=r"800x600 is 0\.5 megapixels, over the limit of 0\.4"):
        planned(limits=Limits(max_pixels=400_000))


@pytest.mark.parametrize("fidelity", ["fast", "exact"])
def test_a_step_that_gives_too_many_pixels_is_refused_with_its_index(fidelity: str) -> None:
    with pytest.raises(StepFailed, match=r"gives 192\.0 megapixels, over the limit") as refused:
        planned("flip", "resize=20", "resize=0.1", fidelity=fidelity)
    assert refused.value.step == 1


def test_a_split_of_a_split_is_refused_when_it_gives_too_many_images() -> None:
    with pytest.raises(StepFailed, match="gives 1040 images or more; the limit is 1024") as refused:
        planned("split=10,10", "split=4,4")
    assert refused.value.step == 1


def test_the_parts_of_a_split_count_together() -> None:
    with pytest.raises(StepFailed, match="megapixels"):
        planned("split=10,10", "resize=1000x1000")


@pytest.mark.parametrize("bad", ["crop=900,0,5,5", "split=100,100", "resize=90", "resize=0.05"])
def test_skip_leaves_out_what_cannot_be_applied(bad: str) -> None:
    tiny = replace(PNG, width=19, height=15)
    header = tiny if bad in {"split=100,100", "resize=0.05"} else PNG
    found = planned("flip", bad, "blur=3", header=header, on_invalid="skip")
    assert [step.at for step in found.steps] == [0, 2]
    assert [skip.step for skip in found.skipped] == [1]


def test_a_result_longer_than_its_format_holds_is_refused() -> None:
    with pytest.raises(EncodeError, match="webp holds sides of 16383 pixels at most"):
        planned("resize=17000x10", format="webp")


# --- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [(), ("resize=0.3",), ("grayscale", "blur=3"), ("split", "flip")])
def test_the_peak_grows_with_the_image(texts: tuple[str, ...]) -> None:
    sides = (100, 200, 400, 800, 1600, 3200)
    peaks = [planned(*texts, header=replace(JPEG, width=side)).peak_bytes for side in sides]
    assert peaks == sorted(set(peaks))


@pytest.mark.parametrize("seed", range(40))
def test_the_peak_is_at_least_the_decoded_image_and_the_results(seed: int) -> None:
    data, texts, settings = random_case(seed)
    header = probe(data)
    found = planned(*texts, header=header, **settings | {"on_invalid": "skip"})
    channels = 1 if found.decode.channels == "gray" else header.channels
    assert found.peak_bytes >= found.decode.size(header).pixels * channels
    assert found.peak_bytes >= sum(size.pixels for size in found.sizes)


def test_sixteen_bits_take_twice_the_memory() -> None:
    deep = planned("blur=3", header=replace(PNG, bit_depth=16)).peak_bytes
    assert deep == 2 * planned("blur=3", header=PNG).peak_bytes


def test_a_progressive_jpeg_takes_more_for_its_coefficients() -> None:
    progressive = planned("resize=0.1", header=replace(JPEG, progressive=True)).peak_bytes
    assert progressive > 800 * 600 * 3 * 2 > planned("resize=0.1").peak_bytes
