"""Trim: what it cuts off, and what becomes of the steps behind it, whose sizes nobody foresees."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageChops

from processors.errors import EncodeError, InvalidArguments, StepFailed
from processors.limits import Limits
from processors.operation import Image, Size, size_of
from processors.operations.trimming import Trim
from processors.pipeline import Processed, Runner
from processors.registry import registry
from tests.processors.files import (
    PNG,
    file_of,
    oriented,
    pipeline,
    pixels_of,
    planned,
    run,
    run_pixels,
)
from tests.samples import photograph

BORDER = (12, 200, 90)
CORE = Size(80, 60)


def framed(
    channels: int = 3,
    depth: int = 8,
    border: Any = BORDER,
    core: Size = CORE,
    size: Any = (200, 150),
) -> Image:
    """A photograph of `core` on a canvas of `size` in the colour `border`, its corner at 50, 40."""
    inner = photograph(*core, channels, depth)
    canvas = np.empty((size[1], size[0], *inner.shape[2:]), inner.dtype)
    canvas[:] = np.array(border if channels > 1 else border[1]) * (257 if depth == 16 else 1)
    canvas[40 : 40 + core.height, 50 : 50 + core.width] = inner
    return canvas


def with_dots(border: int, *dots: tuple[int, int], value: int = 255) -> Image:
    """(30, 40) uint8 of one value, with single pixels (x, y) of another."""
    image = np.full((30, 40), border, np.uint8)
    for x, y in dots:
        image[y, x] = value
    return image


def trimmed(text: str, image: Image) -> Image:
    (result,) = registry().parse(text).produce(image)
    return result


# --- what is cut off ---------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_border_of_one_colour_is_cut_off(channels: int, depth: int) -> None:
    image = framed(channels, depth)
    assert np.array_equal(trimmed("trim", image), photograph(*CORE, channels, depth))


@pytest.mark.parametrize(
    "dots", [[(3, 5), (30, 20)], [(0, 29), (39, 1)], [(7, 7)], [(39, 29)], [(39, 0), (20, 29)]]
)
def test_the_rectangle_is_that_of_pillow(dots: list[tuple[int, int]]) -> None:
    image = with_dots(20, *dots)
    ground = Pillow.new("L", (40, 30), 20)
    box = ImageChops.difference(Pillow.fromarray(image), ground).getbbox()
    expected = np.asarray(Pillow.fromarray(image).crop(box))
    assert np.array_equal(trimmed("trim", image), expected)


@pytest.mark.parametrize(("difference", "height"), [(10, 30), (11, 1)])
def test_the_tolerance_is_the_largest_difference_of_a_border(difference: int, height: int) -> None:
    image = with_dots(100, (20, 15), value=100 + difference)
    assert trimmed("trim=10", image).shape[0] == height


@pytest.mark.parametrize(("difference", "height"), [(10 * 257, 30), (10 * 257 + 1, 1)])
def test_the_tolerance_is_scaled_for_sixteen_bits(difference: int, height: int) -> None:
    image = with_dots(100, (20, 15)).astype(np.uint16)
    image[15, 20] = 100 + difference
    assert trimmed("trim=10", image).shape[0] == height


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_channel_that_differs_is_enough(channel: int) -> None:
    image = np.full((30, 40, 3), 100, np.uint8)
    image[15, 20, channel] = 60
    assert trimmed("trim=39", image).shape == (1, 1, 3)


def test_no_tolerance_leaves_nothing_but_the_colour_itself() -> None:
    assert trimmed("trim=0", with_dots(100, (20, 15), value=101)).shape == (1, 1)


def test_the_colour_is_that_of_the_top_left_pixel() -> None:
    image = with_dots(100, (0, 0), value=200)
    assert trimmed("trim", image).shape == (30, 40)


def test_a_colour_can_be_given() -> None:
    image = framed(border=(0, 0, 255))
    assert size_of(trimmed("trim=10,red", image)) == CORE
    assert size_of(trimmed("trim=10,blue", image)) == Size(200, 150)


def test_a_colour_is_turned_gray_for_gray_images() -> None:
    assert trimmed("trim=0,red", with_dots(round(0.299 * 255), (9, 9))).shape == (1, 1)


@pytest.mark.parametrize("text", ["trim", "trim=0", "trim=255", "trim=10,#646464"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_that_is_all_border_stays_as_it_is(channels: int, text: str) -> None:
    shape = (30, 40) if channels == 1 else (30, 40, channels)
    image = np.full(shape, 100, np.uint8)
    if channels == 4:
        image[..., 3] = 255
    assert np.array_equal(trimmed(text, image), image)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_border_is_one_colour_whatever_lies_below(depth: int) -> None:
    image = photograph(40, 30, 4, depth)
    image[..., 3] = 0
    image[10:20, 5:25, 3] = np.iinfo(image.dtype).max
    assert np.array_equal(trimmed("trim", image), image[10:20, 5:25])
    assert np.array_equal(trimmed("trim=0,transparent", image), image[10:20, 5:25])


def test_a_seen_pixel_of_the_colour_of_a_clear_border_stays() -> None:
    image = np.zeros((30, 40, 4), np.uint8)
    image[10:20, 5:25, 3] = 255
    assert trimmed("trim", image).shape == (10, 20, 4)


def test_a_clear_pixel_is_no_border_of_a_seen_colour() -> None:
    image = np.full((30, 40, 4), 255, np.uint8)
    image[10:20, 5:25, 3] = 0
    assert trimmed("trim=10,white", image).shape == (10, 20, 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_without_alpha_has_no_transparent_border(channels: int) -> None:
    image = framed(channels, border=(0, 0, 0))
    assert size_of(trimmed("trim=10,transparent", image)) == Size(200, 150)


@pytest.mark.parametrize("text", ["trim=-1", "trim=256", "trim=nan", "trim=10,nocolour"])
def test_parameters_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)


def test_the_size_is_planned_as_that_of_the_image_at_most() -> None:
    assert not Trim.predictable
    assert Trim().output_size(Size(200, 150)) == Size(200, 150)


# --- the steps behind it -----------------------------------------------------------------------

FILE = file_of(framed())
by_fidelity = pytest.mark.parametrize("fidelity", ["fast", "exact"])


def thin_line(width: int = 200, height: int = 150) -> bytes:
    """A file of white with a black line, one pixel wide, from the top to the bottom but for one."""
    image = np.full((height, width), 255, np.uint8)
    image[1:-1, width // 2] = 0
    return file_of(image)


def within(limits: Limits, data: bytes, *texts: str, path: str = "a.png", **more: Any) -> Processed:
    return Runner(pipeline(*texts, **more), limits).run(data, path)


def sizes(done: Processed) -> list[Size]:
    return [image.size for image in done.images]


@by_fidelity
@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (["resize=0.5"], Size(40, 30)),
        (["resize=400x"], Size(400, 300)),
        (["resize=x30"], Size(40, 30)),
        (["resize=100x100,inside"], Size(100, 75)),
        (["rotate=90", "resize=30x"], Size(30, 40)),
        (["resize=0.5", "resize=0.5"], Size(20, 15)),
        (["resize=0.3", "resize=80x60"], CORE),
        (["transpose"], Size(60, 80)),
        (["crop=5,5,5000,5000"], Size(75, 55)),
        (["trim", "resize=0.5"], Size(40, 30)),
        (["resize=200x150"], Size(200, 150)),
        (["crop=200x150"], CORE),
        (["split"], Size(40, 30)),
    ],
)
def test_sizes_behind_it_follow_from_what_is_left(
    texts: list[str], size: Size, fidelity: str
) -> None:
    assert set(sizes(run(FILE, "trim", *texts, fidelity=fidelity))) == {size}


@by_fidelity
def test_the_pixels_are_those_of_the_image_cut_by_hand(fidelity: str) -> None:
    steps = ("resize=0.7", "grayscale", "rotate=90")
    (found,) = run_pixels(FILE, "trim", *steps, fidelity=fidelity)
    (expected,) = run_pixels(file_of(photograph(*CORE)), *steps, fidelity="exact")
    assert np.array_equal(found, expected)


def test_a_step_that_would_change_nothing_of_the_whole_image_is_done() -> None:
    """Both name the size of the whole image."""
    for text in ("resize=200x150", "resize=200x"):
        (found,) = run_pixels(FILE, "trim", text)
        assert size_of(found) == Size(200, 150)
        assert not np.array_equal(found, framed())


@by_fidelity
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_image_is_turned_upright_first(orientation: int, fidelity: str) -> None:
    (found,) = run_pixels(oriented(framed(), orientation, "PNG"), "trim", fidelity=fidelity)
    assert np.array_equal(found, photograph(*CORE))


def test_it_works_behind_a_reduced_decoding() -> None:
    core = Size(400, 320)
    data = file_of(framed(core=core, size=(800, 600)), "jpeg", quality=95)
    runner = Runner(pipeline("resize=0.25", "trim=30", "resize=0.5"), Limits())
    done = runner.run(data, "a.png")
    assert pixels_of(done.images[0].data).ndim == 3
    assert np.abs(np.subtract(done.images[0].size, (50, 40))).max() <= 2
    plan = runner.plan(replace(PNG, format="jpeg"), "a.png")
    assert plan.decode.reduction == 4


def test_nothing_behind_it_reduces_the_decoding() -> None:
    plan = planned("trim", "resize=0.1", "grayscale")
    assert (plan.decode.reduction, plan.decode.channels) == (1, "keep")
    assert [step.step.describe() for step in plan.steps] == ["trim", "resize=0.1", "grayscale"]


def test_steps_before_it_are_exact_and_those_from_it_on_are_not() -> None:
    plan = planned("flip", "trim", "blur=3", "resize=0.5", header=PNG)
    assert [step.exact for step in plan.steps] == [True, False, False, False]


def test_each_part_of_a_split_is_trimmed_by_itself() -> None:
    image = np.hstack([with_dots(0, (9, 9)), with_dots(50, (3, 3), (12, 22))])
    assert sizes(run(file_of(image), "split=1,2", "trim")) == [Size(1, 1), Size(10, 20)]


def test_parts_of_unlike_sizes_are_resized_each_in_proportion() -> None:
    image = np.hstack([with_dots(0, (9, 9), (9, 12)), with_dots(50, (3, 3), (12, 22))])
    found = sizes(run(file_of(image), "split=1,2", "trim", "resize=30x"))
    assert found == [Size(30, 120), Size(30, 60)]


# --- failures behind it ------------------------------------------------------------------------


@by_fidelity
def test_a_crop_outside_what_is_left_fails_with_its_index(fidelity: str) -> None:
    with pytest.raises(StepFailed, match="lies outside the 80x60 image") as failed:
        run(FILE, "flip", "trim", "crop=100,0,5,5", fidelity=fidelity)
    assert (failed.value.op, failed.value.step) == ("crop", 2)


def test_a_crop_outside_what_is_left_can_be_skipped() -> None:
    done = run(FILE, "trim", "crop=100,0,5,5", "resize=0.5", on_invalid="skip")
    assert sizes(done) == [Size(40, 30)]
    assert [(skip.op, skip.step) for skip in done.skipped] == [("crop", 1)]


def test_a_factor_that_leaves_no_pixel_of_it_fails_with_its_index() -> None:
    with pytest.raises(StepFailed, match="leaves no pixel") as failed:
        run(thin_line(), "trim", "resize=0.5")
    assert (failed.value.op, failed.value.step) == ("resize", 1)


@by_fidelity
def test_an_enlarged_thin_line_fails_with_its_index_and_not_by_memory(fidelity: str) -> None:
    """1x148 at a width of 600 is 53 megapixels; the whole image would give 0.3."""
    limits = Limits(max_pixels=10_000_000)
    with pytest.raises(StepFailed, match="over the limit of 10") as failed:
        within(limits, thin_line(), "flip", "trim", "resize=600x", fidelity=fidelity)
    assert (failed.value.op, failed.value.step) == ("resize", 2)


def test_an_enlarged_thin_line_can_be_skipped() -> None:
    limits = Limits(max_pixels=10_000_000)
    done = within(limits, thin_line(), "trim", "resize=600x", "flip", on_invalid="skip")
    assert sizes(done) == [Size(1, 148)]
    assert [(skip.op, skip.step) for skip in done.skipped] == [("resize", 1)]


def test_the_limit_behind_it_counts_all_parts_together() -> None:
    image = np.hstack([with_dots(0, (9, 1), (9, 28)), with_dots(0, (3, 1), (3, 28))])
    limits = Limits(max_pixels=500_000)  # each part becomes 100x2800
    with pytest.raises(StepFailed, match=r"gives 0\.6 megapixels") as failed:
        within(limits, file_of(image), "split=1,2", "trim", "resize=100x")
    assert failed.value.step == 2


def test_a_step_that_was_skipped_does_not_lift_the_limit_for_the_next() -> None:
    """The crop would have made it small; planning could count on that, running cannot."""
    limits = Limits(max_pixels=100_000)
    texts = ("trim", "crop=100,0,5,5", "resize=8")
    done = within(limits, FILE, *texts, on_invalid="skip")
    assert sizes(done) == [CORE]
    assert [skip.step for skip in done.skipped] == [1, 2]


def test_a_side_too_long_for_the_format_is_told_as_such() -> None:
    with pytest.raises(EncodeError, match="webp holds sides of 16383 pixels at most"):
        within(Limits(), thin_line(), "trim", "resize=120x", path="a.webp")


def test_a_side_too_long_for_the_format_may_be_trimmed() -> None:
    image = np.zeros((4, 20_000), np.uint8)
    image[1:3, 700:1000] = 255
    done = within(Limits(), file_of(image), "trim", path="a.webp")
    assert sizes(done) == [Size(300, 2)]


def test_one_runner_trims_images_alike_each_by_its_own_pixels() -> None:
    runner = Runner(pipeline("trim", "resize=2"), Limits())
    for core in (Size(80, 60), Size(30, 90), Size(1, 1)):
        done = runner.run(file_of(framed(core=core, border=(255, 0, 255))), "a.png")
        assert sizes(done) == [Size(2 * core.width, 2 * core.height)]


def test_a_photograph_with_a_jpeg_border_needs_a_tolerance() -> None:
    data = cv2.imencode(".jpg", framed())[1].tobytes()
    (found,) = run_pixels(data, "trim=30")
    assert np.abs(np.subtract(found.shape[:2], (60, 80))).max() <= 2


def test_a_step_behind_it_is_judged_by_what_is_left() -> None:
    picture = np.zeros((150, 200, 3), np.uint8)
    picture[20:80, 30:110] = 200
    limits = Limits(max_pixels=31_000)
    (done,) = within(limits, file_of(picture, "png"), "trim", "resize=2").images
    assert done.size == Size(160, 120)
