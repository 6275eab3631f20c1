"""The compiled Gaussian gives what OpenCV gives, pixel by pixel."""

import cv2
import numpy as np
import pytest

from processors import gaussian
from processors.operation import Image

SIDES = [0, 3, 5, 7, 9, 15, 25, 31, 99, 255, 999]
SIGMAS = [0.05, 0.3, 0.8, 1.3, 2.5, 4.0, 7.7, 33.0, 150.0]
SHAPES = [(1, 1), (1, 9), (7, 1), (5, 6, 3), (33, 17, 3), (40, 21), (9, 30, 4)]


def noise(shape: tuple[int, ...]) -> Image:
    """Half of the values at the ends of the range, where a sum could leave it."""
    random = np.random.default_rng(7)
    values = random.integers(0, 256, shape, dtype=np.uint8)
    ends = random.choice(np.array([0, 255], np.uint8), shape)
    return np.where(random.random(shape) < 0.5, values, ends)


def opencv(image: Image, side: int, sigma: float) -> Image:
    return cv2.GaussianBlur(image, (side, side), sigma)  # type: ignore[return-value]


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("side", SIDES)
def test_pixels_equal_those_of_opencv(side: int, sigma: float) -> None:
    for shape in SHAPES:
        image = noise(shape)
        found = gaussian.smooth(image, side, sigma)
        np.testing.assert_array_equal(found, opencv(image, side, sigma), str(shape))


def test_white_stays_white() -> None:
    white = np.full((20, 30, 3), 255, np.uint8)
    np.testing.assert_array_equal(gaussian.smooth(white, 9, 2.0), white)


def test_views_are_read_in_their_own_order() -> None:
    image = noise((30, 40, 3))[::2, ::-1]
    found = gaussian.smooth(image, 5, 4.0)
    np.testing.assert_array_equal(found, opencv(np.ascontiguousarray(image), 5, 4.0))


def test_the_image_is_left_as_it_was() -> None:
    image = noise((30, 40, 3))
    before = image.copy()
    gaussian.smooth(image, 5, 4.0)
    np.testing.assert_array_equal(image, before)


def test_sixteen_bits_are_those_of_opencv() -> None:
    image = noise((30, 40, 3)).astype(np.uint16) * 257
    np.testing.assert_array_equal(gaussian.smooth(image, 5, 4.0), opencv(image, 5, 4.0))
