"""Pixelate and noise: the means of blocks, and noise that comes again."""

import cv2
import numpy as np
import pytest

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.registry import registry
from tests.samples import photograph


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


# --- pixelate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("block", [2, 8, 50, 1000])
def test_each_block_has_its_mean(block: int, depth: int, channels: int) -> None:
    image = photograph(61, 47, channels, depth)
    found = applied(f"pixelate={block}", image)
    for top in range(0, 47, block):
        for left in range(0, 61, block):
            part = np.s_[top : top + block, left : left + block]
            assert (found[part] == np.rint(image[part].mean(axis=(0, 1)))).all()


def test_whole_blocks_are_those_of_opencv_shrunk_and_enlarged() -> None:
    image = photograph(64, 48)
    small = cv2.resize(image, (8, 6), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (64, 48), interpolation=cv2.INTER_NEAREST)
    assert np.abs(applied("pixelate=8", image).astype(int) - expected).max() <= 1


def test_unseen_colour_is_not_in_the_mean() -> None:
    image = np.full((8, 8, 4), (0, 0, 255, 255), np.uint8)
    image[:, :4] = (255, 255, 255, 0)
    found = applied("pixelate=8", image)
    assert np.abs(found.astype(int) - (0, 0, 255, 128)).max() <= 1


# --- noise -------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_noise() -> None:
    image = photograph(61, 147)
    assert np.array_equal(applied("noise=10,5", image), applied("noise=10,5", image))
    assert not np.array_equal(applied("noise=10,5", image), applied("noise=10,6", image))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("sigma", [2, 10, 30])
def test_the_noise_has_the_mean_and_deviation_that_were_asked(sigma: float, depth: int) -> None:
    unit = 257 if depth == 16 else 1
    flat = np.full((300, 300, 3), 128 * unit, f"uint{depth}")
    noise = (applied(f"noise={sigma}", flat) - flat.astype(float)) / unit
    assert abs(noise.mean()) < 0.02 * sigma
    assert noise.std() == pytest.approx(sigma, rel=0.02)


def test_sixteen_bits_get_the_noise_of_eight_bits() -> None:
    eight = applied("noise=10", photograph(61, 147))
    sixteen = applied("noise=10", photograph(61, 147, 3, 16))
    assert np.abs(sixteen / 257 - eight).max() <= 0.51


def test_monochrome_noise_is_the_same_for_all_colours() -> None:
    noisy = applied("noise=10,0,true", np.full((100, 50, 3), 128, np.uint8))
    assert (noisy == noisy[..., :1]).all()
    coloured = applied("noise=10", np.full((100, 50, 3), 128, np.uint8))
    assert not (coloured == coloured[..., :1]).all()


def test_noise_leaves_alpha() -> None:
    image = photograph(61, 47, 4)
    assert np.array_equal(applied("noise=10", image)[..., 3], image[..., 3])


@pytest.mark.parametrize("text", ["pixelate=0", "pixelate=1001", "noise=-1", "noise=10,-1"])
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
