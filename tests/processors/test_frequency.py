"""The frequency domain: what the formulas of the filters give, on SciPy's transforms."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft, ndimage

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.registry import registry
from tests.samples import photograph

WIDTH, HEIGHT = 64, 48
"""Sides that the transform takes as they are, without a margin."""

FILTERS = ["gaussian", "ideal", "butterworth"]


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


def passed(filter: str, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of each frequency, in cutoffs, that the filter lets through."""
    if filter == "gaussian":
        return np.exp(-(frequency**2) / 2)
    if filter == "ideal":
        return (frequency <= 1).astype(float)
    return 1 / (1 + frequency**4)


def low(image: NDArray[np.uint8], filter: str, cutoff: float) -> NDArray[np.float64]:
    """The low frequencies of a gray image, in double precision."""
    height, width = image.shape
    frequency = np.hypot(np.arange(height)[:, None] / height, np.arange(width) / width)
    spectrum = fft.dctn(image.astype(float), norm="ortho")
    return np.asarray(fft.idctn(spectrum * passed(filter, frequency / cutoff), norm="ortho"))


@pytest.mark.parametrize("cutoff", [0.03, 0.2, 0.71, 1])
@pytest.mark.parametrize("filter", FILTERS)
def test_lowpass_is_the_formula(filter: str, cutoff: float) -> None:
    image = photograph(WIDTH, HEIGHT, 1)
    expected = np.clip(low(image, filter, cutoff), 0, 255)
    assert np.abs(applied(f"lowpass={cutoff},{filter}", image) - expected).max() <= 0.51


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("negatives", ["offset", "absolute", "clip"])
def test_highpass_is_what_lowpass_takes_away(filter: str, negatives: str) -> None:
    image = photograph(WIDTH, HEIGHT, 1)
    high = image - low(image, filter, 0.2)
    shown = {"offset": 128 + high / 2, "absolute": np.abs(high), "clip": high}[negatives]
    found = applied(f"highpass=0.2,{filter},negatives={negatives}", image)
    assert np.abs(found - np.clip(shown, 0, 255)).max() <= 0.51


def test_a_gaussian_lowpass_is_a_gaussian_blur_of_scipy() -> None:
    image = photograph(61, 47, 1)
    blurred = ndimage.gaussian_filter(image.astype(float), 1 / (np.pi * 0.2), mode="reflect")
    assert np.abs(applied("lowpass=0.2", image) - blurred).max() <= 1


def test_the_sides_do_not_leak_into_the_opposite_ones() -> None:
    image = np.zeros((40, 90), np.uint8)
    image[:, 45:] = 255
    found = applied("lowpass=0.1", image)
    assert (found[:, 0] == 0).all()
    assert (found[:, -1] == 255).all()


def test_a_wave_above_the_cutoff_goes_and_one_below_stays() -> None:
    at = (np.arange(240) + 0.5) * np.pi
    slow, fast = np.cos(at * 0.1), np.cos(at * 0.5)
    image = np.tile(np.rint(128 + 50 * slow + 50 * fast), (16, 1)).astype(np.uint8)
    found = applied("lowpass=0.3,ideal", image)
    assert np.abs(found - (128 + 50 * slow)).max() <= 1.5


@pytest.mark.parametrize("name", ["lowpass", "highpass"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_give_what_eight_bits_give(name: str, channels: int) -> None:
    image = photograph(61, 47, channels)
    sixteen = applied(f"{name}=0.2", image.astype(np.uint16) * 257)
    found, expected = sixteen / 257, applied(f"{name}=0.2", image)
    if channels == 4:  # where hardly anything is seen, colour is coarse in 8 bits
        seen = expected[..., 3] > 200
        found, expected = found[seen], expected[seen]
    assert np.abs(found - expected).max() <= (2 if channels == 4 else 0.51)


def test_highpass_leaves_alpha_and_sees_no_unseen_colour() -> None:
    image = np.full((20, 20, 4), (0, 90, 255, 255), np.uint8)
    image[:, :10] = (255, 255, 0, 0)
    found = applied("highpass=0.2", image)
    assert np.array_equal(found[..., 3], image[..., 3])
    assert (found[:, 10:, :3] == 128).all()


@pytest.mark.parametrize(
    "text", ["lowpass=0", "lowpass=1.1", "lowpass=0.2,box", "highpass=0.2,butterworth,0"]
)
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
