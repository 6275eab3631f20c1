"""Tone and colour: the values of the formula, and those of Pillow, SciPy and scikit-image."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageOps
from scipy.interpolate import PchipInterpolator
from skimage.color import rgb2hsv, rgb2lab
from skimage.filters import threshold_otsu

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.registry import registry
from tests.samples import photograph

COLOUR = photograph(61, 47)
GRAY = photograph(61, 47, 1)


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


def rgb(image: Image) -> Image:
    return np.ascontiguousarray(image[..., ::-1])


def differs(one: object, other: object) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).max())


VALUE_FORMULAS = {
    "brightness=20": lambda v: np.clip(v + 20, 0, 255),
    "brightness=-300.5e-1": lambda v: np.clip(np.rint(v - 30.05), 0, 255),
    "contrast=1.3": lambda v: np.clip(np.rint((v - 127.5) * 1.3 + 127.5), 0, 255),
    "gamma=1.8": lambda v: np.rint(255 * (v / 255) ** (1 / 1.8)),
    "posterize=4": lambda v: np.rint(v / 85) * 85,
    "solarize=100": lambda v: np.where(v >= 100, 255 - v, v),
    "invert": lambda v: 255 - v,
}


@pytest.mark.parametrize("text", VALUE_FORMULAS)
@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_each_value_follows_the_formula(text: str, image: Image) -> None:
    expected = VALUE_FORMULAS[text](image.astype(float))
    assert np.array_equal(applied(text, image), expected)


COLOUR_ONLY = [
    *VALUE_FORMULAS,
    "saturation=1.5",
    "hue=90",
    "lightness=10",
    "tint=orange",
    "sepia",
    "equalize",
    "clahe",
    "auto_levels",
    "white_balance",
    "threshold",
    "threshold=adaptive",
    "colormap=jet",
    "colorize=navy,ivory",
    "curves=[[0,20],[255,200]]",
]


@pytest.mark.parametrize("text", COLOUR_ONLY)
def test_alpha_is_left_alone(text: str) -> None:
    image = photograph(61, 47, 4)
    assert np.array_equal(applied(text, image)[..., 3], image[..., 3])


SMOOTH = [text for text in COLOUR_ONLY if not text.startswith(("threshold", "posterize"))]


@pytest.mark.parametrize("text", SMOOTH)
def test_16_bits_give_what_8_bits_give(text: str) -> None:
    """On gray; a step of one level of the gray may be several levels of a colour."""
    deep = applied(text, photograph(61, 47, 1, 16)) / 257
    assert differs(deep, applied(text, GRAY)) <= 1


@pytest.mark.parametrize("text", ["threshold=128", "threshold=otsu", "posterize=4"])
def test_16_bits_part_where_8_bits_part(text: str) -> None:
    deep = applied(text, photograph(61, 47, 1, 16)) / 257
    assert np.array_equal(deep, applied(text, GRAY))


def test_solarize_is_that_of_pillow() -> None:
    expected = ImageOps.solarize(Pillow.fromarray(COLOUR), 128)
    assert np.array_equal(applied("solarize=128", COLOUR), expected)


def test_saturation_is_that_of_pillow_to_two_levels() -> None:
    expected = ImageEnhance.Color(Pillow.fromarray(rgb(COLOUR))).enhance(1.5)
    assert differs(rgb(applied("saturation=1.5", COLOUR)), expected) <= 2


def test_colorize_is_that_of_pillow_to_two_levels() -> None:
    expected = ImageOps.colorize(Pillow.fromarray(GRAY), "navy", "ivory", "orange")
    assert differs(rgb(applied("colorize=navy,ivory,orange", GRAY)), expected) <= 2


@pytest.mark.parametrize("clip", [0, 1, 5])
def test_auto_levels_is_that_of_pillow_to_a_level(clip: int) -> None:
    expected = ImageOps.autocontrast(Pillow.fromarray(rgb(COLOUR)), cutoff=clip)
    assert differs(rgb(applied(f"auto_levels={clip}", COLOUR)), expected) <= 1


def test_a_smooth_curve_is_that_of_scipy() -> None:
    x, y = [0, 40, 90, 100, 255], [30, 10, 200, 200, 250]
    points = [list(point) for point in zip(x, y, strict=True)]
    expected = np.rint(PchipInterpolator(x, y)(GRAY))
    assert differs(applied(f"curves={points}", GRAY), expected) <= 1


def test_a_linear_curve_joins_its_points() -> None:
    found = applied("curves=[[10,0],[210,255]],linear", GRAY)
    assert differs(found, np.interp(GRAY, [10, 210], [0, 255])) <= 0.51


@pytest.mark.parametrize("points", ["[[0,0]]", "[[9,0],[9,255]]", "[[0,0],[256,9]]", "5"])
def test_a_curve_that_is_none_is_refused(points: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(f"curves={points}")


def test_hue_turns_the_hue_of_scikit_image_alone() -> None:
    before, after = (rgb2hsv(rgb(image)) for image in (COLOUR, applied("hue=90", COLOUR)))
    vivid = (before[..., 1] > 0.3) & (before[..., 2] > 0.3)
    turned = (after[..., 0] - before[..., 0] - 0.25 + 0.5) % 1 - 0.5
    assert np.abs(turned[vivid]).max() < 0.02
    assert np.abs(after - before)[..., 2].max() < 0.003


def test_lightness_adds_to_that_of_scikit_image() -> None:
    soft = cv2.addWeighted(COLOUR, 0.3, np.full_like(COLOUR, 90), 0.7, 0)
    before, after = (rgb2lab(rgb(image)) for image in (soft, applied("lightness=10", soft)))
    assert np.abs(after - before - [10, 0, 0]).max() < 1


def test_tint_has_the_chroma_of_its_colour_and_the_lightness_of_gray() -> None:
    found = rgb2lab(rgb(applied("tint=#a08060", np.full((1, 1), 128, np.uint8))))[0, 0]
    colour = rgb2lab(np.array([[[160, 128, 96]]], np.uint8))[0, 0]
    gray = rgb2lab(np.full((1, 1, 3), 128, np.uint8))[0, 0]
    assert np.abs(found - [gray[0], *colour[1:]]).max() < 1


def test_sepia_of_white_is_limited() -> None:
    assert applied("sepia", np.full((1, 1), 255, np.uint8)).tolist() == [[[239, 255, 255]]]


def test_equalize_is_that_of_opencv() -> None:
    assert np.array_equal(applied("equalize", GRAY), cv2.equalizeHist(GRAY))


def test_clahe_is_that_of_opencv() -> None:
    expected = cv2.createCLAHE(2, (8, 8)).apply(GRAY)
    assert np.array_equal(applied("clahe=2", GRAY), expected)


def test_colormap_is_that_of_opencv() -> None:
    assert np.array_equal(applied("colormap=jet", GRAY), cv2.applyColorMap(GRAY, cv2.COLORMAP_JET))


def test_gray_world_makes_the_means_equal() -> None:
    image = COLOUR // 2 + np.array([0, 20, 60], np.uint8)
    means = applied("white_balance", image).mean((0, 1))
    assert np.ptp(means) < 1 < np.ptp(image.mean((0, 1)))


def test_a_threshold_is_white_from_the_level_on() -> None:
    assert np.array_equal(applied("threshold=128", GRAY), np.where(GRAY >= 128, 255, 0))


def test_otsu_finds_the_level_of_scikit_image() -> None:
    expected = np.where(threshold_otsu(GRAY) < GRAY, 255, 0)
    assert np.array_equal(applied("threshold=otsu", GRAY), expected)


def test_an_adaptive_threshold_is_that_of_opencv() -> None:
    expected = cv2.adaptiveThreshold(
        GRAY, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 11, 4
    )
    assert np.array_equal(applied("threshold=adaptive,11,4", GRAY), expected)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_channel_is_taken_by_its_name(channels: int) -> None:
    image = photograph(61, 47, channels)
    assert np.array_equal(applied("channel=red", image), image[..., 2])
    alpha = image[..., 3] if channels == 4 else np.full((47, 61), 255)
    assert np.array_equal(applied("channel=alpha", image), alpha)


def test_flatten_is_pillows_paste_to_a_level() -> None:
    image = photograph(61, 47, 4)
    expected = Pillow.new("RGB", (61, 47), "teal")
    pixels = Pillow.fromarray(rgb(image[..., :3]))
    expected.paste(pixels, mask=Pillow.fromarray(image[..., 3].copy()))
    assert differs(rgb(applied("flatten=teal", image)), expected) <= 1


@pytest.mark.parametrize("image", [GRAY, COLOUR, photograph(61, 47, 4)], ids=["1", "3", "4"])
def test_opacity_scales_alpha(image: Image) -> None:
    found = applied("opacity=0.5", image)
    alpha = image[..., 3] if image.shape[2:] == (4,) else np.full((47, 61), 255)
    assert differs(found[..., 3], alpha / 2) <= 0.5
