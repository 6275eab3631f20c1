"""The runner: bytes in, bytes out, and what is said when a step fails."""

from typing import Any, Literal

import cv2
import numpy as np
import pytest

from processors.encoding import EncodeOptions
from processors.errors import DamagedImage, EncodeError, OutOfMemory, StepFailed
from processors.limits import Limits
from processors.operation import Image, Operation, Size
from processors.pipeline import Runner
from processors.plan import Pipeline
from processors.probing import probe
from processors.registry import registry
from tests.processors.files import file_of, pipeline, pixels_of, run, run_pixels
from tests.samples import photograph

PHOTOGRAPH = photograph(61, 47)
FILE = file_of(PHOTOGRAPH)


class Misbehave(Operation):
    """Fail in a way that no prediction tells."""

    op: Literal["misbehave"] = "misbehave"
    how: str

    def apply(self, image: Image) -> Image:
        match self.how:
            case "step":
                raise self.fail("there is no face in it")
            case "python":
                raise ZeroDivisionError("division by zero")
            case "opencv":
                return cv2.cvtColor(image, cv2.COLOR_BayerBG2BGR)  # type: ignore[return-value]
            case "memory":
                return np.zeros((1 << 24, 1 << 24, 64), np.uint8)
            case "opencv memory":
                # More than the 47 bits of address space that a process has: refused on any machine.
                side = 1 << 24
                return cv2.copyMakeBorder(image, 0, side, 0, side, cv2.BORDER_REPLICATE)  # type: ignore[return-value]
        raise AssertionError(self.how)


def misbehaving(how: str, **settings: Any) -> Runner:
    flip, blur = registry().parse("flip"), registry().parse("blur=3")
    return Runner(Pipeline(((0, flip), (2, Misbehave(how=how)), (3, blur)), **settings), Limits())


# --- results -----------------------------------------------------------------------------------


def test_the_steps_are_applied_in_their_order() -> None:
    flipped, turned = PHOTOGRAPH[:, ::-1], np.rot90(PHOTOGRAPH, 3)
    assert np.array_equal(run_pixels(FILE, "flip", "rotate=90")[0], np.rot90(flipped, 3))
    assert np.array_equal(run_pixels(FILE, "rotate=90", "flip")[0], turned[:, ::-1])


def test_without_steps_the_pixels_stay() -> None:
    assert np.array_equal(run_pixels(FILE)[0], PHOTOGRAPH)


def test_the_parts_of_a_split_are_split_depth_first() -> None:
    image = photograph(8, 8)
    quarters = [image[y : y + 4, x : x + 4] for y in (0, 4) for x in (0, 4)]
    expected = [part[y : y + 2, x : x + 2] for part in quarters for y in (0, 2) for x in (0, 2)]
    found = run_pixels(file_of(image), "split", "split")
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))


def test_each_result_tells_its_size_and_format() -> None:
    done = Runner(pipeline("split=1,2"), Limits()).run(FILE, "a.webp")
    assert [(image.size, image.format) for image in done.images] == [
        (Size(30, 47), "webp"),
        (Size(31, 47), "webp"),
    ]
    assert [probe(image.data).format for image in done.images] == ["webp", "webp"]


def test_without_a_path_the_format_is_that_of_the_image() -> None:
    done = Runner(pipeline("flip"), Limits()).run(FILE, None)
    assert done.images[0].format == "png"


def test_one_runner_serves_images_of_many_kinds() -> None:
    runner = Runner(pipeline("resize=0.5"), Limits())
    for channels in (1, 3, 4):
        for depth in (8, 16):
            image = photograph(40, 30, channels, depth)
            found = pixels_of(runner.run(file_of(image), "a.png").images[0].data)
            assert found.shape == (15, 20, *image.shape[2:])
            assert found.dtype == image.dtype


def test_images_alike_share_a_plan() -> None:
    runner = Runner(pipeline("resize=0.5"), Limits())
    other = probe(file_of(photograph(61, 47, seed=2)))
    assert runner.plan(probe(FILE), "a.png") is runner.plan(other, "b.png")
    assert runner.plan(probe(FILE), "a.png") is not runner.plan(other, "b.jpg")


def test_the_timings_are_not_negative_and_add_up() -> None:
    timings = run(FILE, "resize=2", "blur=9", "split").timings
    parts = (timings.decode, timings.operations, timings.encode)
    assert min(parts) > 0
    assert timings.total == pytest.approx(sum(parts), abs=0.003)


# --- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", ["fast", "exact"])
def test_a_predicted_failure_carries_the_index_of_its_step(fidelity: str) -> None:
    with pytest.raises(StepFailed, match="lies outside the 30x23 image") as failed:
        run(FILE, "resize=1", "resize=0.5", "crop=40,0,5,5", fidelity=fidelity)
    assert (failed.value.op, failed.value.step) == ("crop", 2)


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("step", "there is no face in it"),
        ("python", "ZeroDivisionError: division by zero"),
        ("opencv", ".+"),
    ],
)
def test_an_unforeseen_failure_carries_the_index_of_its_step(how: str, detail: str) -> None:
    with pytest.raises(StepFailed, match=f"misbehave: {detail}") as failed:
        misbehaving(how).run(FILE, "a.png")
    assert failed.value.step == 2


@pytest.mark.parametrize("how", ["memory", "opencv memory"])
@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_memory_that_does_not_suffice_is_told_as_such(how: str, on_invalid: str) -> None:
    with pytest.raises(OutOfMemory, match="misbehave: needs more memory"):
        misbehaving(how, on_invalid=on_invalid).run(FILE, "a.png")


@pytest.mark.parametrize("how", ["step", "python", "opencv"])
def test_skip_leaves_out_a_step_that_fails_and_goes_on(how: str) -> None:
    done = misbehaving(how, on_invalid="skip").run(FILE, "a.png")
    expected = cv2.GaussianBlur(cv2.flip(PHOTOGRAPH, 1), (3, 3), 4)
    assert np.array_equal(pixels_of(done.images[0].data), expected)
    assert [(skip.op, skip.step) for skip in done.skipped] == [("misbehave", 2)]


def test_skip_leaves_out_a_step_that_is_known_not_to_fit() -> None:
    done = run(FILE, "crop=100,0,5,5", "flip", on_invalid="skip")
    assert [(skip.op, skip.step) for skip in done.skipped] == [("crop", 0)]
    assert np.array_equal(pixels_of(done.images[0].data), PHOTOGRAPH[:, ::-1])


@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_a_damaged_image_is_an_error_either_way(on_invalid: str) -> None:
    with pytest.raises(DamagedImage):
        run(FILE[:-100], on_invalid=on_invalid)


def test_an_unknown_extension_is_refused() -> None:
    with pytest.raises(EncodeError, match=r"the extension \.xyz is no image format"):
        Runner(Pipeline(), Limits()).run(FILE, "a.xyz")


def test_a_stated_format_needs_no_extension() -> None:
    runner = Runner(Pipeline(encode=EncodeOptions(format="bmp")), Limits())
    assert runner.run(FILE, "a.xyz").images[0].format == "bmp"
