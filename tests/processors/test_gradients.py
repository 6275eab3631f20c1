"""Gradients and edges: pixel by pixel what plain OpenCV gives, and what scikit-image gives."""

import cv2
import numpy as np
import pytest
from skimage import filters

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

DIRECTIONS = {"dx": (1, 0), "dy": (0, 1)}
LINEAR = ["dx", "dy", "gradient_magnitude", "laplacian"]


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


def shown(values: np.ndarray, negatives: str, image: Image) -> np.ndarray:
    white = np.iinfo(image.dtype).max
    gray = 128 * white / 255
    found = {"offset": gray + values / 2, "absolute": np.abs(values), "clip": values}[negatives]
    return np.clip(found, 0, white)


@by_kind
@pytest.mark.parametrize("negatives", ["offset", "absolute", "clip"])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_sobel_is_that_of_plain_opencv(name: str, negatives: str, image: Image) -> None:
    values = cv2.Sobel(image, cv2.CV_64F, *DIRECTIONS[name], ksize=3) / 4
    found = applied(f"{name}=sobel,{negatives}", image)
    assert np.abs(found - shown(values, negatives, image)).max() <= 0.51


@by_kind
@pytest.mark.parametrize("name", DIRECTIONS)
def test_scharr_is_that_of_plain_opencv(name: str, image: Image) -> None:
    values = cv2.Scharr(image, cv2.CV_64F, *DIRECTIONS[name]) / 16
    found = applied(f"{name}=scharr", image)
    assert np.abs(found - shown(values, "offset", image)).max() <= 0.51


@pytest.mark.parametrize("operator", ["sobel", "scharr"])
@pytest.mark.parametrize(("name", "edges"), [("dx", "v"), ("dy", "h")])
def test_a_gradient_is_that_of_scikit_image(name: str, edges: str, operator: str) -> None:
    image = photograph(61, 47, 1)
    expected = np.abs(getattr(filters, f"{operator}_{edges}")(image.astype(float)))
    found = applied(f"{name}={operator},absolute", image)
    assert np.abs(found - expected)[1:-1, 1:-1].max() <= 0.51


@pytest.mark.parametrize("operator", ["sobel", "scharr"])
def test_the_magnitude_is_that_of_scikit_image(operator: str) -> None:
    image = photograph(61, 47, 1)
    mean = getattr(filters, operator)(image.astype(float))
    expected = np.clip(mean * np.sqrt(2), 0, 255)
    found = applied(f"gradient_magnitude={operator}", image)
    assert np.abs(found - expected)[1:-1, 1:-1].max() <= 0.51


def test_a_step_from_black_to_white_gives_white() -> None:
    image = np.zeros((9, 20), np.uint8)
    image[:, 10:] = 255
    assert applied("dx=negatives=clip", image).max() == 255
    assert applied("dx=negatives=clip", image[:, ::-1]).max() == 0
    assert (applied("dy", image) == 128).all()


@by_kind
@pytest.mark.parametrize(("side", "weights"), [(1, 4), (3, 8)])
def test_laplacian_is_that_of_plain_opencv(side: int, weights: int, image: Image) -> None:
    values = cv2.Laplacian(image, cv2.CV_64F, ksize=side) / weights
    found = applied(f"laplacian={side},absolute", image)
    assert np.abs(found - shown(values, "absolute", image)).max() <= 0.51


@pytest.mark.parametrize("side", [1, 3, 5, 7])
def test_the_largest_laplacian_is_white(side: int) -> None:
    weights = cv2.Laplacian(np.pad([[1.0]], 8), cv2.CV_64F, ksize=side)
    image = np.where(weights > 0, 255, 0).astype(np.uint8)
    assert applied(f"laplacian={side},clip", image)[8, 8] == 255


@pytest.mark.parametrize("text", LINEAR)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_give_what_eight_bits_give(text: str, channels: int) -> None:
    image = photograph(61, 47, channels)
    sixteen = applied(text, image.astype(np.uint16) * 257)
    assert np.abs(sixteen / 257 - applied(text, image)).max() <= 0.51


@pytest.mark.parametrize("text", [*LINEAR, "canny=20"])
def test_alpha_stays_and_unseen_colour_makes_no_edge(text: str) -> None:
    image = np.full((20, 20, 4), (10, 90, 200, 255), np.uint8)
    image[:, :10] = (255, 255, 0, 0)
    found = applied(text, image)
    assert np.array_equal(found[..., 3], image[..., 3])
    assert len(np.unique(found[:, 10:, :3])) == 1


# --- canny -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(80, 160), (20, 30), (0, 0), (300, 900)])
def test_canny_is_that_of_plain_opencv(low: int, high: int) -> None:
    image = photograph(161, 147)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    expected = cv2.Canny(gray, low, high)
    assert np.array_equal(applied(f"canny={low},{high}", image), expected)
    assert np.array_equal(applied(f"canny={low},{high}", gray), expected)


def test_canny_in_sixteen_bits_has_the_edges_of_eight_bits() -> None:
    image = photograph(161, 147, 1)
    expected = applied("canny=80,160", image).astype(np.uint16) * 257
    assert np.array_equal(applied("canny=80,160", image.astype(np.uint16) * 257), expected)


def test_the_second_threshold_is_twice_the_first_when_left_out() -> None:
    image = photograph(161, 147)
    assert np.array_equal(applied("canny=60", image), applied("canny=60,120", image))


@pytest.mark.parametrize(
    "text", ["canny=80,40", "canny=-1", "dx=prewitt", "dy=sobel,wrap", "laplacian=9"]
)
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
