"""Morphology: pixel by pixel what plain OpenCV and SciPy give."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)

OPENCV = {
    "erode": cv2.MORPH_ERODE,
    "dilate": cv2.MORPH_DILATE,
    "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE,
}
SHAPES = {
    "rectangle": cv2.MORPH_RECT,
    "ellipse": cv2.MORPH_ELLIPSE,
    "cross": cv2.MORPH_CROSS,
}


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


@by_kind
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", OPENCV)
def test_the_pixels_are_those_of_plain_opencv(name: str, shape: str, image: Image) -> None:
    kernel = cv2.getStructuringElement(SHAPES[shape], (7, 7))
    expected = cv2.morphologyEx(image, OPENCV[name], kernel)
    assert np.array_equal(applied(f"{name}=7,{shape}", image), expected)


@pytest.mark.parametrize(
    ("name", "filtered"),
    [
        ("erode", ndimage.grey_erosion),
        ("dilate", ndimage.grey_dilation),
    ],
)
def test_a_square_is_that_of_scipy(name: str, filtered: object) -> None:
    image = photograph(61, 47, 1)
    expected = filtered(image, size=(5, 5), mode="nearest")  # type: ignore[operator]
    assert np.array_equal(applied(f"{name}=5", image), expected)


def test_a_minimum_is_that_of_pillow_away_from_the_border() -> None:
    image = photograph(61, 47)
    expected = np.asarray(Pillow.fromarray(image).filter(ImageFilter.MinFilter(5)))
    assert np.array_equal(applied("erode=5", image)[2:-2, 2:-2], expected[2:-2, 2:-2])


def test_an_even_side_is_raised_by_one() -> None:
    image = photograph(61, 47)
    assert np.array_equal(applied("erode=4", image), applied("erode=5", image))


def test_what_is_opaque_shrinks_and_keeps_its_colour() -> None:
    image = np.zeros((11, 11, 4), np.uint8)
    image[3:8, 3:8] = (10, 20, 30, 255)
    found = applied("erode=3", image)
    assert np.array_equal(found[4:7, 4:7], image[4:7, 4:7])
    assert int((found[..., 3] > 0).sum()) == 9


@pytest.mark.parametrize("text", ["erode=0", "dilate=52", "opening=3,star", "closing=a"])
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
