"""The planner's rules: what each rewrites, and what it leaves."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from processors.decoding import DecodeMode
from processors.limits import Limits
from processors.operation import Image, Operation, Size
from processors.plan import Pipeline, Plan
from processors.planner import plan
from processors.rules import EXACT_RULES, FAST_RULES
from tests.processors.files import JPEG, PNG, file_of, pipeline, planned, run_pixels
from tests.processors.similarity import similarity
from tests.samples import photograph


def steps(found: Plan) -> list[str]:
    return [step.step.describe() for step in found.steps]


# --- drop_identities ---------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", ["fast", "exact"])
@pytest.mark.parametrize(
    "text", ["resize=1", "resize=800x600", "rotate=360", "crop=900x700", "split=1,1", "blur=1"]
)
def test_a_step_that_changes_nothing_is_dropped(text: str, fidelity: str) -> None:
    found = planned("flip", text, fidelity=fidelity)
    assert steps(found) == ["flip"]
    assert "drop_identities" in found.rewrites


def test_a_step_that_changes_some_part_of_a_split_is_kept() -> None:
    found = planned("split=1,2", "crop=50x600", header=replace(JPEG, width=101), fidelity="exact")
    assert steps(found) == ["split=1,2", "crop=50x600"]


def test_a_step_keeps_its_index_when_one_before_it_is_dropped() -> None:
    assert [step.at for step in planned("resize=1", "flip").steps] == [1]


# --- decode_gray -------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [(), ("blur=3",), ("rotate=30", "split", "crop=5x5", "flip")])
def test_a_jpeg_turned_gray_is_decoded_as_gray(before: tuple[str, ...]) -> None:
    found = planned(*before, "grayscale")
    assert found.decode == DecodeMode("gray")
    assert "decode_gray" in found.rewrites
    assert len(found.steps) == len(before)


def test_only_a_jpeg_is_decoded_as_gray() -> None:
    found = planned("grayscale", header=PNG)
    assert (found.decode, steps(found)) == (DecodeMode(), ["grayscale"])


class Redden(Operation):
    """Keep the red channel only: not the same for all channels."""

    op: Literal["redden"] = "redden"

    def apply(self, image: Image) -> Image:
        return image * np.array([0, 0, 1], image.dtype)  # type: ignore[no-any-return]


def test_a_step_that_tells_channels_apart_keeps_the_colour_before_it() -> None:
    work = Pipeline(((0, Redden()), *pipeline("grayscale").steps))
    found = plan(work, JPEG, "png", Limits())
    assert (found.decode, steps(found)) == (DecodeMode(), ["redden", "grayscale"])


# --- merge_resizes -----------------------------------------------------------------------------


def resize_steps(*texts: str) -> list[str]:
    """Those of a PNG, which has no reduced decoding that could take a part of the work."""
    return [text.replace(" in two steps", "") for text in steps(planned(*texts, header=PNG))]


@pytest.mark.parametrize(
    ("texts", "merged"),
    [
        (("resize=0.5", "resize=0.5"), "resize to 200x150"),
        (("resize=2", "resize=0.25"), "resize to 400x300"),
        (("resize=0.5", "resize=0.5", "resize=0.5"), "resize to 100x75"),
        (("resize=400x300", "resize=100x100,cover"), "resize to 133x100, then 100x100"),
    ],
)
def test_a_resize_followed_by_a_shrink_is_one(texts: tuple[str, ...], merged: str) -> None:
    assert resize_steps(*texts) == [merged]


@pytest.mark.parametrize(
    "texts",
    [
        ("resize=0.5", "resize=2"),
        ("resize=2", "resize=2"),
        ("resize=400x300", "resize=200x400"),
        ("resize=100x100,cover", "resize=50x50"),
        ("resize=100x100,contain", "resize=50x50"),
        ("resize=0.5", "flip", "resize=0.5"),
    ],
)
def test_resizes_whose_merging_would_change_the_image_stay(texts: tuple[str, ...]) -> None:
    assert len(resize_steps(*texts)) == len(texts)


# --- decode_reduced ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reduction"),
    [
        ("resize=0.5", 2),
        ("resize=400x", 2),
        ("resize=0.4", 2),
        ("resize=0.25", 4),
        ("resize=0.125", 8),
        ("resize=0.05", 8),
        ("resize=401x", 1),
        ("resize=100x600", 1),
        ("resize=400x10", 2),
        ("resize=401x10", 1),
        ("resize=100x10", 8),
        ("resize=101x10", 4),
        ("resize=10x75", 8),
        ("resize=10x76", 4),
        ("resize=2", 1),
    ],
)
def test_a_shrunk_jpeg_is_decoded_reduced(text: str, reduction: int) -> None:
    assert planned(text).decode == DecodeMode("keep", reduction)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("text", ["resize=0.49", "resize=99x", "resize=33x77,cover", "resize=x75"])
def test_reduced_decoding_is_never_below_the_target(text: str, orientation: int) -> None:
    for width, height in ((800, 600), (799, 601), (203, 1007)):
        header = replace(JPEG, width=width, height=height, orientation=orientation)
        found = planned(text, header=header)
        decoded = found.decode.size(header)
        target = found.sizes[0] if orientation < 5 else Size(*reversed(found.sizes[0]))
        assert decoded.width >= target.width
        assert decoded.height >= target.height


@pytest.mark.parametrize("first", ["crop=500x400", "flip", "blur=3", "split", "rotate=30"])
def test_a_step_before_the_shrink_keeps_the_full_decoding(first: str) -> None:
    assert planned(first, "resize=0.1").decode.reduction == 1


def test_a_shrink_behind_grayscale_is_decoded_reduced_and_gray() -> None:
    assert planned("grayscale", "resize=0.25").decode == DecodeMode("gray", 4)


@pytest.mark.parametrize("settings", [{"fidelity": "exact"}, {"channels": "bgr"}])
def test_exact_pixels_and_plain_colour_keep_the_full_decoding(settings: dict[str, Any]) -> None:
    assert planned("resize=0.1", **settings).decode.reduction == 1


def test_only_a_jpeg_is_decoded_reduced() -> None:
    assert planned("resize=0.1", header=PNG).decode == DecodeMode()


# --- shrink_in_two_steps -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["resize=0.7", "resize=300x", "resize=400x299", "resize=266x200"])
def test_a_shrink_by_no_integer_is_done_in_two_steps(text: str) -> None:
    assert [step.endswith("in two steps") for step in steps(planned(text, header=PNG))] == [True]


@pytest.mark.parametrize("text", ["resize=0.5", "resize=200x100", "resize=1.5", "resize=300x600"])
def test_other_resizes_are_done_in_one(text: str) -> None:
    assert "shrink_in_two_steps" not in planned(text, header=PNG).rewrites


# --- exact -------------------------------------------------------------------------------------


def test_exact_does_what_was_asked_as_it_was_asked() -> None:
    asked = ("resize=0.7", "resize=0.3", "grayscale")
    assert steps(planned(*asked, fidelity="exact")) == list(asked)


def test_the_exact_rules_are_among_the_fast_ones() -> None:
    assert set(EXACT_RULES) < set(FAST_RULES)


LEAST_SIMILARITY = {"whole blocks": 0.92, "a part of a block": 0.92}
"""Fast against exact, SSIM, of JPEG shrunk by any ratio; the least is met just beyond 1/8."""


@pytest.mark.parametrize(
    ("size", "blocks"),
    [
        (Size(400, 304), "whole blocks"),
        (Size(1024, 768), "whole blocks"),
        (Size(161, 121), "a part of a block"),
        (Size(801, 603), "a part of a block"),
    ],
)
def test_a_fast_shrink_looks_like_the_exact_one(size: Size, blocks: str) -> None:
    data = file_of(photograph(*size), "jpeg", quality=92)
    for factor in (0.9, 0.6, 0.5, 0.45, 0.3, 0.25, 0.2, 0.12, 0.1):
        (fast,) = run_pixels(data, f"resize={factor}", fidelity="fast")
        (exact,) = run_pixels(data, f"resize={factor}", fidelity="exact")
        assert similarity(fast, exact) >= LEAST_SIMILARITY[blocks], factor
