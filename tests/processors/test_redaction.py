"""Redacted boxes: nothing of them is left, nothing else is touched."""

import json

import numpy as np
import pytest

from processors.errors import InvalidArguments, StepFailed
from processors.operation import Image, Size, size_of
from processors.registry import registry
from tests.samples import photograph

INSIDE = np.s_[20:50, 10:70]
BOX = "[[10,20,60,30]]"


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


@pytest.mark.parametrize("mode", ["fill", "blur", "pixelate"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_nothing_outside_of_the_box_is_touched(mode: str, channels: int, depth: int) -> None:
    image = photograph(100, 80, channels, depth)
    found = applied(f"redact={BOX},{mode}", image)
    assert not np.array_equal(found[INSIDE], image[INSIDE])
    found[INSIDE] = image[INSIDE]
    assert np.array_equal(found, image)


@pytest.mark.parametrize("mode", ["blur", "pixelate"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_only_pixels_of_the_box_are_used(mode: str, channels: int) -> None:
    image = photograph(100, 80, channels)
    other = np.full_like(image, 255)
    other[INSIDE] = image[INSIDE]
    found, again = (applied(f"redact={BOX},{mode}", each)[INSIDE] for each in (image, other))
    assert np.array_equal(found, again)


@pytest.mark.parametrize(("depth", "white"), [(8, 255), (16, 65535)])
def test_a_filled_box_has_one_opaque_colour(depth: int, white: int) -> None:
    found = applied(f"redact={BOX},fill,red", photograph(100, 80, 4, depth))
    assert (found[INSIDE] == (0, 0, white, white)).all()


def test_a_pixelated_box_has_the_means_of_its_blocks() -> None:
    image = photograph(100, 80)
    found = applied(f"redact={BOX},pixelate,strength=0.5", image)
    for top in (20, 35):
        for left in range(10, 70, 15):
            block = np.s_[top : top + 15, left : left + 15]
            assert np.abs(found[block] - image[block].mean(axis=(0, 1))).max() <= 0.51


@pytest.mark.parametrize("mode", ["blur", "pixelate"])
def test_boxes_with_the_same_means_look_the_same(mode: str) -> None:
    """Stripes of two pixels, and the same moved by one: which it was cannot be told."""
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    moved = np.roll(stripes, 2, axis=1)
    found, other = (applied(f"redact=[[0,0,64,64]],{mode}", each) for each in (stripes, moved))
    assert np.array_equal(found, other)


def test_a_small_box_has_blocks_of_eight_pixels_at_least() -> None:
    found = applied("redact=[[4,4,8,8]],pixelate,strength=0.1", photograph(16, 16, 1))
    assert len(np.unique(found[4:12, 4:12])) == 1


def test_unseen_colour_does_not_show() -> None:
    image = np.full((16, 16, 4), (0, 0, 255, 255), np.uint8)
    image[:, :8] = (255, 255, 255, 0)
    found = applied("redact=[[0,0,16,16]],pixelate,strength=1", image)
    assert np.abs(found.astype(int) - (0, 0, 255, 128)).max() <= 1


def test_what_lies_outside_of_the_image_is_left_out() -> None:
    image = np.full((20, 30), 9, np.uint8)
    found = applied("redact=[[-5,-5,10,10],[25,15,999,999]]", image)
    assert np.count_nonzero(found == 0) == 2 * 25
    assert (found[:5, :5] == 0).all()
    assert (found[15:, 25:] == 0).all()


@pytest.mark.parametrize("box", ["[30,0,5,5]", "[0,20,5,5]", "[-5,0,5,5]", "[0,-9,5,9]"])
def test_a_box_outside_of_the_image_is_a_failure(box: str) -> None:
    use = registry().parse(f"redact=[[0,0,5,5],{box}]")
    image = np.zeros((20, 30), np.uint8)
    with pytest.raises(StepFailed, match="outside the 30x20 image"):
        use.apply(image)
    with pytest.raises(StepFailed, match="outside the 30x20 image"):
        use.output_sizes(size_of(image))


def test_boxes_that_cover_the_image_too_often_are_a_failure() -> None:
    boxes = [[0, 0, 5000, 5000 - at] for at in range(11)]
    use = registry().parse({"op": "redact", "boxes": boxes})
    with pytest.raises(StepFailed, match="cover 11 times"):
        use.output_sizes(Size(5000, 5000))


def test_the_same_box_again_counts_once() -> None:
    use = registry().parse({"op": "redact", "boxes": [[0, 0, 5000, 5000]] * 1000})
    assert use.output_sizes(Size(5000, 5000)) == [(5000, 5000)]


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [[0, 0, 1]],
        [[0, 0, 1, 1, 1]],
        [[0, 0, 0, 1]],
        [[0, 0, 1, -1]],
        [[0.5, 0, 1, 1]],
        [0, 0, 1, 1],
        [[0, 0, 1, 1]] * 1001,
    ],
    ids=lambda boxes: str(boxes)[:20],
)
def test_boxes_that_are_none_are_refused(boxes: list[object]) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(f"redact={json.dumps(boxes)}")


@pytest.mark.parametrize("text", ["redact=1,2,3,4", "redact=[1,2,3,4]", "redact=[[1,2,3]]"])
def test_how_to_write_boxes_is_told(text: str) -> None:
    with pytest.raises(InvalidArguments, match=r"\[\[x, y, width, height\], \.\.\.\]"):
        registry().parse(text)
