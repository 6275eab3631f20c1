"""Geometry: pixel by pixel what plain OpenCV and NumPy give."""

import cv2
import numpy as np
import pytest

from processors.errors import InvalidArguments, StepFailed
from processors.operation import Image, Size
from processors.operations.geometry import Flip, Resize, Rotate
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)


def produced(text: str, image: Image) -> list[Image]:
    return registry().parse(text).produce(image)


# --- resize ------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize("factor", [0.05, 0.1, 0.33, 0.5, 0.99, 1.0, 1.5, 2.0, 7.3])
def test_a_factor_is_that_of_plain_opencv(factor: float, image: Image) -> None:
    size = (int(61 * factor), int(47 * factor))
    expected = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    assert np.array_equal(Resize(factor=factor).apply(image), expected)


@pytest.mark.parametrize("text", ["0.049", "100", "-1", "0", "nan", "true", "a"])
def test_a_factor_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(f"resize={text}")


def test_a_factor_that_leaves_no_pixel_fails() -> None:
    with pytest.raises(StepFailed, match=r"19x40 times 0\.05 leaves no pixel"):
        Resize(factor=0.05).apply(photograph(19, 40))


@pytest.mark.parametrize(
    "text", ["resize", "resize=0.5,40", "resize=40x,fit=cover", "resize=factor=2,height=3"]
)
def test_a_resize_is_said_in_one_way(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)


# --- rotate ------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize(("degrees", "turns"), [(90, 3), (180, 2), (270, 1), (-90, 1), (450, 3)])
def test_quarter_turns_are_exact(degrees: int, turns: int, image: Image) -> None:
    assert np.array_equal(Rotate(degrees=degrees).apply(image), np.rot90(image, turns))


@by_kind
def test_a_whole_turn_changes_nothing(image: Image) -> None:
    assert np.array_equal(Rotate(degrees=720).apply(image), image)


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_quarter_turn_in_the_same_frame_keeps_the_centre_square(degrees: int) -> None:
    image = photograph(61, 41)
    found = Rotate(degrees=degrees, expand=False).apply(image)
    expected = np.rot90(image[:, 10:51], 4 - degrees // 90)
    assert found.shape == image.shape
    assert np.abs(found[:, 10:51].astype(int) - expected).max() <= 1
    assert (found[:, :10] == 0).all()


@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("degrees", [1, 17.5, 45, 89.9, 133, 200, -30])
def test_any_angle_keeps_the_centre(degrees: float, expand: bool) -> None:
    image = np.zeros((61, 81), np.uint8)
    cv2.circle(image, (40, 30), 8, 255, -1)
    found = Rotate(degrees=degrees, expand=expand).apply(image)
    rows, columns = np.nonzero(found > 127)
    assert abs(rows.mean() - (found.shape[0] - 1) / 2) < 0.1
    assert abs(columns.mean() - (found.shape[1] - 1) / 2) < 0.1


def test_the_turn_is_clockwise() -> None:
    image = np.zeros((41, 41), np.uint8)
    image[0:9, 16:25] = 255  # at the top
    found = Rotate(degrees=45, expand=False).apply(image)
    rows, columns = np.nonzero(found > 127)
    assert rows.mean() < 15  # still above the centre
    assert columns.mean() > 25  # and to the right of it


def test_expanding_shows_the_whole_image() -> None:
    white = np.full((40, 60), 255, np.uint8)
    found = Rotate(degrees=30).apply(white)
    assert abs(int((found > 127).sum()) - white.size) < white.size * 0.02


@pytest.mark.parametrize("degrees", [0, 1e-5, 30, 45, 89.99999, 90, 90.00001, 179.5, 359.9])
def test_an_expanded_image_holds_the_corners(degrees: float) -> None:
    size = Size(60, 40)
    found = Rotate(degrees=degrees).output_size(size)
    radians = np.radians(degrees)
    cos, sin = abs(np.cos(radians)), abs(np.sin(radians))
    assert 0 <= found.width - (60 * cos + 40 * sin) + 1e-6 < 1.001
    assert 0 <= found.height - (60 * sin + 40 * cos) + 1e-6 < 1.001


@pytest.mark.parametrize(
    ("channels", "depth", "corner"),
    [
        (1, 8, round(0.299 * 255)),
        (3, 8, (0, 0, 255)),
        (3, 16, (0, 0, 65535)),
        (4, 8, (0, 0, 0, 0)),
    ],
)
def test_the_corners_take_the_background(
    channels: int, depth: int, corner: int | tuple[int, ...]
) -> None:
    found = produced("rotate=45,background=red", photograph(40, 40, channels, depth))[0]
    assert (found[0, 0] == corner).all()


# --- flip --------------------------------------------------------------------------------------


@by_kind
def test_flip_mirrors(image: Image) -> None:
    assert np.array_equal(Flip().apply(image), image[:, ::-1])
    assert np.array_equal(Flip(direction="vertical").apply(image), image[::-1])
    assert np.array_equal(Flip(direction="both").apply(image), image[::-1, ::-1])
