"""Sharpening and kernels: pixel by pixel what plain OpenCV gives, and what others give."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter
from skimage.filters import unsharp_mask

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

USES = ["sharpen=1.5", "emboss=1", "convolve=[[0,-1,0],[-1,5,-1],[0,-1,0]]"]


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


def limited(values: np.ndarray, image: Image) -> np.ndarray:
    return np.clip(np.rint(values), 0, np.iinfo(image.dtype).max)


@pytest.mark.parametrize("text", USES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_give_what_eight_bits_give(text: str, channels: int) -> None:
    image = photograph(61, 47, channels)
    sixteen = applied(text, image.astype(np.uint16) * 257)
    assert np.abs(sixteen / 257 - applied(text, image)).max() <= 0.51


@pytest.mark.parametrize("text", USES)
def test_alpha_stays_and_unseen_colour_has_no_effect(text: str) -> None:
    image = np.full((20, 20, 4), (10, 90, 200, 255), np.uint8)
    image[:, :10] = (255, 255, 0, 0)
    found = applied(text, image)
    assert np.array_equal(found[..., 3], image[..., 3])
    assert np.abs(found[:, 10:].astype(int) - image[:, 10:]).max() == 0


# --- sharpen -----------------------------------------------------------------------------------


@by_kind
def test_sharpen_adds_the_difference_from_a_blurred_copy(image: Image) -> None:
    plain = image.astype(np.float64)
    expected = plain + 1.5 * (plain - cv2.GaussianBlur(plain, (17, 17), 2))
    found = applied("sharpen=1.5,2", image)
    assert np.abs(found - limited(expected, image)).max() <= 1


def test_sharpen_is_the_unsharp_mask_of_scikit_image() -> None:
    image = photograph(61, 47, 1)
    expected = unsharp_mask(image, radius=2, amount=1.5) * 255
    found = applied("sharpen=1.5,2", image)
    assert np.abs(found - expected)[8:-8, 8:-8].max() <= 1


def test_differences_below_the_threshold_are_left() -> None:
    image = np.full((40, 40), 100, np.uint8)
    image[:, 20:] = 110
    assert np.array_equal(applied("sharpen=2,1,20", image), image)
    assert not np.array_equal(applied("sharpen=2,1,2", image), image)


# --- emboss, convolve --------------------------------------------------------------------------


@by_kind
def test_emboss_is_its_kernel(image: Image) -> None:
    kernel = np.array([[-4, -2, 0], [-2, 1, 2], [0, 2, 4]], np.float32)
    assert np.array_equal(applied("emboss=2", image), cv2.filter2D(image, -1, kernel))


@by_kind
@pytest.mark.parametrize(
    "kernel", ["[[0,-1,0],[-1,5,-1],[0,-1,0]]", "[[1,0,-1]]", "[[0.5],[1],[-0.25]]", "[[2]]"]
)
def test_a_kernel_is_that_of_plain_opencv(kernel: str, image: Image) -> None:
    expected = cv2.filter2D(image, -1, np.array(json.loads(kernel), np.float32))
    assert np.array_equal(applied(f"convolve={kernel}", image), expected)


def test_a_kernel_is_that_of_pillow_away_from_the_border() -> None:
    image = photograph(61, 47)
    weights = [1, 2, 1, 2, 5, 2, 1, 2, 1]
    mask = ImageFilter.Kernel((3, 3), weights, scale=sum(weights))
    expected = np.asarray(Pillow.fromarray(image).filter(mask))
    found = applied("convolve=[[1,2,1],[2,5,2],[1,2,1]],true", image)
    assert np.abs(found.astype(int) - expected)[1:-1, 1:-1].max() <= 1


def test_an_offset_is_in_levels_of_255() -> None:
    flat = "convolve=[[-1,0,1]],offset=128"
    assert (applied(flat, np.full((5, 6), 77, np.uint8)) == 128).all()
    assert (applied(flat, np.full((5, 6), 77, np.uint16)) == 128 * 257).all()


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "=[]",
        "=[[]]",
        "=[[1,2]]",
        "=[[1],[2]]",
        "=[[1,2,3],[1],[1,2,3]]",
        "=[[1,-2,1]],true",
        "=[[NaN]]",
        "=[[Infinity]]",
        f"=[[{','.join(['1'] * 33)}]]",
        '=[["a"]]',
    ],
)
def test_a_kernel_that_cannot_be_used_is_refused(arguments: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(f"convolve{arguments}")


@pytest.mark.parametrize("text", ["sharpen=-1", "sharpen=1,0", "sharpen=21", "emboss=11"])
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
