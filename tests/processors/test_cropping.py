"""Cropping: pixel by pixel the slices of NumPy, and the parts that are worth showing."""

import cv2
import numpy as np
import pytest

from processors.errors import InvalidArguments, StepFailed
from processors.interest import interest, most_interesting
from processors.operation import Image, Size
from processors.operations.cropping import Crop, SmartCrop, Split, SquareCrop, Zoom
from processors.placement import placed
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3, 4)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)


def produced(text: str, image: Image) -> list[Image]:
    return registry().parse(text).produce(image)


# --- split -------------------------------------------------------------------------------------


@by_kind
def test_quadrants_come_left_top_right_top_left_bottom_right_bottom(image: Image) -> None:
    y, x = 47 // 2, 61 // 2
    expected = [image[:y, :x], image[:y, x:], image[y:, :x], image[y:, x:]]
    found = Split().produce(image)
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 7), (47, 61), (1, 61)])
def test_every_pixel_is_in_one_part(rows: int, columns: int) -> None:
    image = photograph(61, 47)
    parts = Split(rows=rows, columns=columns).produce(image)
    bands = [np.hstack(parts[at : at + columns]) for at in range(0, len(parts), columns)]
    assert len(parts) == rows * columns
    assert np.array_equal(np.vstack(bands), image)


@pytest.mark.parametrize("word", ["None", "none", "false", "False"])
@pytest.mark.parametrize("name", ["split", "splitQuadrants"])
def test_the_words_of_no_switch_splitting_off(name: str, word: str) -> None:
    assert len(produced(f"{name}={word}", photograph(8, 8))) == 1


@pytest.mark.parametrize("arguments", ["", "=True", "=true", "=1", "=yes", "=2,2", "=rows=2"])
def test_other_words_split_into_quadrants(arguments: str) -> None:
    assert len(produced(f"splitQuadrants{arguments}", photograph(8, 8))) == 4


def test_more_parts_than_pixels_fail() -> None:
    with pytest.raises(StepFailed, match="3x2 has too few pixels for 3 rows, 2 columns"):
        Split(rows=3).produce(photograph(3, 2))


# --- crop --------------------------------------------------------------------------------------


@by_kind
def test_crop_is_a_rectangle_of_the_image(image: Image) -> None:
    found = Crop(x=5, y=7, width=20, height=11).apply(image)
    assert np.array_equal(found, image[7:18, 5:25])


def test_crop_is_clipped_at_the_border() -> None:
    image = photograph(61, 47)
    found = Crop(x=50, y=40, width=1000, height=1000).apply(image)
    assert np.array_equal(found, image[40:, 50:])


@pytest.mark.parametrize(("x", "y"), [(61, 0), (0, 47), (5000, 5000)])
def test_crop_outside_the_image_fails(x: int, y: int) -> None:
    with pytest.raises(StepFailed, match="lies outside the 61x47 image"):
        Crop(x=x, y=y, width=5, height=5).apply(photograph(61, 47))


@by_kind
def test_percentages_are_of_the_width_and_the_height(image: Image) -> None:
    (found,) = produced("crop=10%,20%,50%,40.5%", image)
    assert np.array_equal(found, image[9:28, 6:36])


def test_dimensions_may_be_percentages() -> None:
    assert registry().parse("crop=50%x12.5%") == Crop(width="50%", height="12.5%")
    assert Crop(width="50%", height="12.5%").text() == "crop=50%x12.5%"


def test_a_percentage_leaves_a_pixel_at_least() -> None:
    assert Crop(width="1%", height="0%").output_size(Size(20, 20)) == (1, 1)


@pytest.mark.parametrize(
    ("gravity", "x", "y"),
    [
        ("northwest", 3, 2),
        ("north", 23, 2),
        ("northeast", 38, 2),
        ("west", 3, 20),
        ("center", 23, 20),
        ("east", 38, 20),
        ("southwest", 3, 34),
        ("south", 23, 34),
        ("southeast", 38, 34),
    ],
)
def test_the_offset_goes_inwards_from_where_gravity_says(gravity: str, x: int, y: int) -> None:
    image = photograph(61, 47)
    (found,) = produced(f"crop=20x11,x=3,y=2,gravity={gravity}", image)
    assert np.array_equal(found, image[y : y + 11, x : x + 20])


@pytest.mark.parametrize("gravity", ["center", "north", "southeast", "west"])
def test_a_rectangle_that_is_larger_keeps_the_image(gravity: str) -> None:
    image = photograph(61, 47)
    crop = registry().parse(f"crop=62x5000,gravity={gravity}")
    assert np.array_equal(crop.produce(image)[0], image)
    assert crop.is_identity(Size(61, 47))


def test_what_sticks_out_on_the_left_is_left_out() -> None:
    image = photograph(61, 47)
    (found,) = produced("crop=20x11,x=50,gravity=northeast", image)
    assert np.array_equal(found, image[:11, :11])


@pytest.mark.parametrize("offset", [{"x": "100%"}, {"y": 47, "gravity": "south"}])
def test_an_offset_out_of_the_image_fails(offset: dict[str, object]) -> None:
    with pytest.raises(StepFailed, match="lies outside the 61x47 image"):
        Crop.build({"width": 5, "height": 5, **offset}).apply(photograph(61, 47))


@pytest.mark.parametrize(
    "length", ["0", 0, "-1", "101%", "-5%", "%", "1e1%", "٣%", 1.5, True, None, 70000, 10**60, []]
)
def test_a_length_that_is_none_is_refused(length: object) -> None:
    with pytest.raises(InvalidArguments, match=r'1 to 65535, or a part of the image up to "100%"'):
        Crop.build({"width": length, "height": 5})


def test_a_length_of_json_may_be_a_whole_float() -> None:
    assert Crop.build({"width": 5.0, "height": " 7 "}) == Crop(width=5, height=7)


def test_an_odd_remainder_leaves_the_smaller_half_before() -> None:
    assert placed(Size(10, 5), Size(5, 10), "center") == (2, -3)


# --- square_crop -------------------------------------------------------------------------------


@by_kind
def test_the_largest_square_is_the_shorter_side(image: Image) -> None:
    assert np.array_equal(produced("square_crop", image)[0], image[:, 7:54])
    upright = np.swapaxes(image, 0, 1)
    assert np.array_equal(produced("square_crop", upright)[0], upright[7:54])


@pytest.mark.parametrize(
    ("gravity", "rows", "columns"),
    [("center", 13, 20), ("northwest", 0, 0), ("southeast", 27, 41), ("east", 13, 41)],
)
def test_a_square_stands_where_gravity_says(gravity: str, rows: int, columns: int) -> None:
    image = photograph(61, 47)
    (found,) = produced(f"square_crop=20,{gravity}", image)
    assert np.array_equal(found, image[rows : rows + 20, columns : columns + 20])


def test_a_square_is_no_larger_than_the_image() -> None:
    assert SquareCrop(side=5000).output_size(Size(61, 47)) == (47, 47)
    assert SquareCrop(side=5000).is_identity(Size(61, 61))


# --- smart_crop --------------------------------------------------------------------------------

PLAIN = 120


def with_detail(width: int, height: int, x: int, channels: int, depth: int) -> Image:
    """Plain, but for a chequered square of 40 pixels from `x` on."""
    image = np.full((height, width, channels), PLAIN, np.uint8)
    squares = np.indices((40, 40)).sum(axis=0) // 5 % 2 * 255
    image[5:45, x : x + 40, :3] = squares[..., None]
    if channels == 4:
        image[..., 3] = 255
    image = image[..., 0] if channels == 1 else image
    return image.astype(np.uint16) * 257 if depth == 16 else image


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("x", [0, 33, 90, 140])
def test_the_detail_is_in_the_middle_of_the_part(x: int, channels: int, depth: int) -> None:
    image = with_detail(180, 50, x, channels, depth)
    (found,) = produced("smart_crop=60x50", image)
    left = min(max(0, x - 10), 120)
    distances = [
        abs(at - left) for at in range(121) if np.array_equal(found, image[:, at : at + 60])
    ]
    assert distances
    assert min(distances) <= 1


@pytest.mark.parametrize("factor", [4, 10])
def test_detail_is_found_in_an_image_larger_than_what_is_looked_at(factor: int) -> None:
    image = with_detail(180, 50, 130, 3, 8).repeat(factor, axis=0).repeat(factor, axis=1)
    (found,) = produced("smart_crop=60x50", image)
    assert abs(int(np.ptp(found, axis=2).max())) == 0
    assert (found != PLAIN).any(axis=2).sum() >= 40 * 40 * 0.95


def test_colour_is_found_among_gray() -> None:
    image = np.full((40, 160, 3), PLAIN, np.uint8)
    image[:, 100:130] = (40, 60, 200)
    (found,) = produced("smart_crop=40x40", image)
    assert (found == (40, 60, 200)).all(axis=2).sum() == 30 * 40


def test_what_is_transparent_is_of_no_interest() -> None:
    image = with_detail(180, 50, 10, 4, 8)
    image[:, 120:160, :3] = with_detail(180, 50, 10, 3, 8)[:, 10:50]
    image[:, 10:50, 3] = 0
    (found,) = produced("smart_crop=60x50", image)
    assert np.array_equal(found, image[:, 110:170])


def test_where_nothing_stands_out_the_middle_is_kept() -> None:
    even = np.full((30, 90, 3), (PLAIN, 10, 200), np.uint8)
    assert most_interesting(even, Size(30, 30)) == (30, 0)
    assert most_interesting(even, Size(90, 10)) == (0, 10)


def test_interest_is_five_laplacians_and_the_range_of_the_colours() -> None:
    image = photograph(61, 47)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    expected = 5.0 * np.abs(cv2.Laplacian(gray, cv2.CV_64F)) + np.ptp(image, axis=2)
    assert np.array_equal(interest(image), expected)


@pytest.mark.parametrize("window", [(61, 47), (200, 11), (9, 300), (61, 20)])
def test_the_part_is_scaled_as_resize_does(window: tuple[int, int]) -> None:
    """Of an image with one row or one column there is but one part."""
    for image in (photograph(61, 1), photograph(1, 47), photograph(1, 1, 4, 16)):
        found = SmartCrop(width=window[0], height=window[1]).apply(image)
        assert found.shape == (window[1], window[0], *image.shape[2:])
    image = photograph(61, 47)
    assert np.array_equal(SmartCrop(width=61, height=47).apply(image), image)
    (half,) = produced("smart_crop=30x23", photograph(60, 46))
    assert np.array_equal(half, produced("resize=30x23", photograph(60, 46))[0])


# --- zoom --------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize(
    ("text", "left", "top"),
    [("2,0.5,0.5", 15, 11), ("2,0,0", 0, 0), ("2,1,1", 31, 23), ("2,0.6,0.4", 21, 6)],
)
def test_zoom_enlarges_a_part_to_the_whole(text: str, left: int, top: int, image: Image) -> None:
    (found,) = produced(f"zoom={text}", image)
    part = image[top : top + 24, left : left + 30]
    expected = registry().parse("resize=61x47,interpolation=bilinear").produce(part)[0]
    assert np.array_equal(found, expected)


def test_the_middle_stays_in_the_middle() -> None:
    image = np.zeros((60, 80), np.uint8)
    cv2.circle(image, (40, 30), 5, 255, -1)
    (found,) = produced("zoom=2", image)
    rows, columns = np.nonzero(found > 127)
    assert abs(rows.mean() - 30.5) <= 1
    assert abs(columns.mean() - 40.5) <= 1
    assert rows.max() - rows.min() >= 19


@by_kind
def test_a_zoom_by_one_changes_nothing(image: Image) -> None:
    assert np.array_equal(produced("zoom=1,0.2,0.9", image)[0], image)
    assert Zoom(factor=1).is_identity(Size(61, 47))


@pytest.mark.parametrize("text", ["zoom", "zoom=0.5", "zoom=101", "zoom=2,1.5", "zoom=2,0.5,-1"])
def test_a_zoom_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
