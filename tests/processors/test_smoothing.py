"""Smoothing: pixel by pixel what plain OpenCV gives, and what others give."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.operations.smoothing import BoxBlur, EdgePreserve, Median
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)

SMOOTH = ["box_blur=7", "median=5", "median=9", "bilateral=9", "denoise=10", "edge_preserve=20"]
KEEP_ALPHA = ["bilateral=9", "denoise=10", "edge_preserve=20"]


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


def difference(one: Image, other: Image) -> int:
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_give_what_eight_bits_give(text: str, channels: int) -> None:
    eight = applied(text, photograph(61, 47, channels))
    sixteen = applied(text, photograph(61, 47, channels, 16))
    assert np.abs(sixteen / 257 - eight).max() <= 0.51


@pytest.mark.parametrize("text", SMOOTH)
def test_a_plain_area_stays_as_it_is(text: str) -> None:
    plain = np.full((30, 40, 3), (10, 200, 90), np.uint8)
    assert difference(applied(text, plain), plain) <= 1


@pytest.mark.parametrize("text", SMOOTH)
def test_noise_gets_less(text: str) -> None:
    noisy = applied("noise=10", np.full((60, 60), 128, np.uint8))
    assert applied(text, noisy).std() < noisy.std() / 2


@pytest.mark.parametrize("text", KEEP_ALPHA)
def test_alpha_stays_as_it_is(text: str) -> None:
    image = photograph(61, 47, 4)
    assert np.array_equal(applied(text, image)[..., 3], image[..., 3])


@pytest.mark.parametrize("text", ["box_blur=7", "median=5"])
def test_unseen_colour_does_not_bleed(text: str) -> None:
    image = np.full((20, 20, 4), (0, 0, 255, 255), np.uint8)
    image[:, :10] = (255, 255, 255, 0)
    found = applied(text, image)
    seen = found[found[..., 3] > 0]
    assert len(seen) > 0
    assert np.abs(seen[:, :3].astype(int) - (0, 0, 255)).max() <= 1


@by_kind
@pytest.mark.parametrize("side", [3, 4, 25, 99])
def test_a_box_is_that_of_plain_opencv(side: int, image: Image) -> None:
    expected = cv2.blur(image, (side | 1, side | 1))
    assert np.array_equal(BoxBlur(kernel_size=side).apply(image), expected)


def test_a_box_is_that_of_pillow_away_from_the_border() -> None:
    image = photograph(61, 47)
    expected = np.asarray(Pillow.fromarray(image).filter(ImageFilter.BoxBlur(3)))
    found = BoxBlur(kernel_size=7).apply(image)
    assert difference(found[3:-3, 3:-3], expected[3:-3, 3:-3]) <= 1


@by_kind
@pytest.mark.parametrize("side", [3, 5])
def test_a_small_median_is_that_of_scipy(side: int, image: Image) -> None:
    sides = (side, side, 1)[: image.ndim]
    expected = ndimage.median_filter(image, size=sides, mode="nearest")
    assert np.array_equal(Median(kernel_size=side).apply(image), expected)


@pytest.mark.parametrize("side", [7, 21, 255])
def test_a_large_median_is_that_of_plain_opencv(side: int) -> None:
    image = photograph(61, 47)
    assert np.array_equal(Median(kernel_size=side).apply(image), cv2.medianBlur(image, side))


def test_bilateral_is_that_of_plain_opencv() -> None:
    image = photograph(61, 47)
    assert np.array_equal(applied("bilateral=7,40,5", image), cv2.bilateralFilter(image, 7, 40, 5))


def test_denoise_is_that_of_plain_opencv() -> None:
    image = photograph(61, 47)
    expected = cv2.fastNlMeansDenoising(image, None, 12, 5, 9)
    assert np.array_equal(applied("denoise=12,5,9", image), expected)


def test_edge_preserve_is_that_of_plain_opencv() -> None:
    image = photograph(61, 47)
    expected = cv2.edgePreservingFilter(image, flags=1, sigma_s=30, sigma_r=0.3)
    assert np.array_equal(applied("edge_preserve=30,0.3", image), expected)


def test_tiles_of_a_large_image_are_not_seen() -> None:
    image = photograph(2100, 60)
    expected = cv2.edgePreservingFilter(image, flags=1, sigma_s=10, sigma_r=0.4)
    assert difference(EdgePreserve(sigma_space=10).apply(image), expected) <= 1


@pytest.mark.parametrize(
    "text", ["box_blur=0", "median=256", "bilateral=26", "denoise=0", "edge_preserve=0"]
)
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
