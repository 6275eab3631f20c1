"""Filters and colour: pixel by pixel what plain OpenCV and NumPy give."""

import cv2
import numpy as np
import pytest

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.operations.color import Grayscale
from processors.operations.filters import Blur
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)


# --- blur --------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize("side", [1, 3, 5, 25, 99])
def test_an_odd_kernel_is_that_of_plain_opencv(side: int, image: Image) -> None:
    expected = cv2.GaussianBlur(image, (side, side), 4)
    assert np.array_equal(Blur(kernel_size=side).apply(image), expected)


@by_kind
@pytest.mark.parametrize("side", [2, 4, 24])
def test_an_even_kernel_is_raised_by_one(side: int, image: Image) -> None:
    expected = cv2.GaussianBlur(image, (side + 1, side + 1), 4)
    assert np.array_equal(Blur(kernel_size=side).apply(image), expected)


@by_kind
@pytest.mark.parametrize("sigma", [0.5, 4, 9])
def test_a_kernel_of_zero_is_derived_from_sigma(sigma: float, image: Image) -> None:
    expected = cv2.GaussianBlur(image, (0, 0), sigma)
    assert np.array_equal(Blur(kernel_size=0, sigma=sigma).apply(image), expected)


@pytest.mark.parametrize("text", ["-1", "2.5", "a", "5,0", "5,-1", "5,nan"])
def test_a_kernel_or_sigma_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(f"blur={text}")


def test_a_kernel_beyond_what_sigma_reaches_gives_the_pixels_of_opencv() -> None:
    image = photograph(61, 47)
    expected = cv2.GaussianBlur(image, (1001, 1001), 4)
    assert np.array_equal(registry().parse("blur=1000").apply(image), expected)


def test_a_kernel_of_one_keeps_transparent_colour_as_it_is() -> None:
    image = photograph(61, 47, 4)
    assert np.array_equal(Blur(kernel_size=1).apply(image), image)


def test_blur_smooths_alpha_too() -> None:
    image = np.zeros((21, 21, 4), np.uint8)
    image[:, 10:, 3] = 255
    alpha = Blur(kernel_size=9).apply(image)[..., 3]
    assert np.array_equal(alpha, cv2.GaussianBlur(image[..., 3].copy(), (9, 9), 4))


# --- grayscale ---------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 16])
def test_gray_is_the_weighted_sum_of_red_green_and_blue(depth: int) -> None:
    image = photograph(61, 47, 3, depth)
    blue, green, red = np.moveaxis(image.astype(float), 2, 0)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    found = Grayscale().apply(image)
    assert found.dtype == image.dtype
    assert np.abs(found - expected).max() <= (0.51 if depth == 8 else 2)


def test_gray_is_that_of_plain_opencv() -> None:
    image = photograph(61, 47)
    assert np.array_equal(Grayscale().apply(image), cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


@pytest.mark.parametrize("depth", [8, 16])
def test_white_stays_white(depth: int) -> None:
    white = np.full((3, 4, 3), (1 << depth) - 1, f"uint{depth}")
    assert (Grayscale().apply(white) == white[..., 0]).all()


def test_a_gray_image_stays_as_it_is() -> None:
    image = photograph(61, 47, 1)
    assert np.array_equal(Grayscale().apply(image), image)


def test_gray_with_alpha_keeps_four_channels() -> None:
    image = photograph(61, 47, 4)
    found = Grayscale().apply(image)
    gray = cv2.cvtColor(image[..., :3].copy(), cv2.COLOR_BGR2GRAY)
    assert np.array_equal(found, np.dstack([gray, gray, gray, image[..., 3]]))
