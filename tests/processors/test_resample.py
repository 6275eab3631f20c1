"""Resampling: the fast shrink, the ways to fit, and colour that is not seen."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from processors.operation import Image, Size, size_of
from processors.operations.filters import Blur
from processors.operations.geometry import Resize, Rotate
from processors.registry import registry
from processors.resample import Resample, by_area, shrink_in_two_steps
from tests.processors.similarity import similarity
from tests.samples import photograph

RATIOS = (1.05, 1.2, 1.37, 1.5, 1.75, 1.99, 2.3, 2.7, 3.1, 3.5, 4.2, 5.5, 6.3, 7.9, 9.1, 12)
LEAST_SIMILARITY = 0.96
"""SSIM of the two-step shrink against INTER_AREA. From 0.99 on at ratios up to 4 and 0.97 beyond on
photographs: halving leaves out an odd last row or column, which shifts what is left by a part of a
pixel."""

TESTIMAGES = Path(__file__).parents[2] / "testimages"


def street(name: str) -> Image:
    found = cv2.imread(str(TESTIMAGES / name))
    assert found is not None, f"testimages/{name} is missing"
    return found  # type: ignore[return-value]


# --- two steps ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [street("cyclo1.jpg"), street("cyclo4.jpg"), photograph(500, 401), photograph(320, 240, 4)],
    ids=["cyclo1", "cyclo4", "colour", "alpha"],
)
def test_two_steps_look_like_the_mean_of_the_area(image: Image) -> None:
    for ratio in RATIOS:
        size = Size(int(image.shape[1] / ratio), int(image.shape[0] / ratio))
        found, expected = shrink_in_two_steps(image, size), by_area(image, size)
        assert similarity(found, expected) >= LEAST_SIMILARITY, ratio


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_two_steps_keep_size_depth_and_channels(channels: int, depth: int) -> None:
    image = photograph(97, 61, channels, depth)
    for size in (Size(96, 60), Size(41, 23), Size(7, 1), Size(1, 5)):
        found = shrink_in_two_steps(image, size)
        assert (size_of(found), found.dtype, found.ndim) == (size, image.dtype, image.ndim)


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_two_steps_keep_an_even_area_even(level: int) -> None:
    image = np.full((97, 131, 3), level, np.uint8)
    assert (shrink_in_two_steps(image, Size(37, 29)) == level).all()


@pytest.mark.parametrize(
    ("size", "uneven"),
    [
        (Size(50, 50), False),
        (Size(33, 50), True),
        (Size(50, 33), True),
        (Size(100, 33), False),
        (Size(120, 33), False),
        (Size(99, 99), True),
        (Size(1, 1), False),
    ],
)
def test_a_shrink_is_uneven_when_a_ratio_is_no_integer(size: Size, uneven: bool) -> None:
    assert Resample(size, size).shrinks_unevenly(Size(100, 100)) is uneven


# --- fit ---------------------------------------------------------------------------------------

WIDE = photograph(80, 40)


def fitted(text: str, image: Image = WIDE) -> Image:
    (found,) = registry().parse(text).produce(image)
    return found


def area(image: Image, width: int, height: int) -> Image:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def test_stretch_takes_the_size_as_it_is() -> None:
    assert np.array_equal(fitted("resize=20x30"), area(WIDE, 20, 30))


def test_cover_cuts_what_sticks_out_at_both_sides() -> None:
    assert np.array_equal(fitted("resize=20x20,cover"), area(WIDE, 40, 20)[:, 10:30])
    tall = photograph(40, 80)
    assert np.array_equal(fitted("resize=20x20,cover", tall), area(tall, 20, 40)[10:30])


def test_inside_keeps_the_proportion_and_is_no_larger() -> None:
    assert np.array_equal(fitted("resize=20x20,inside"), area(WIDE, 20, 10))


def test_contain_pads_at_both_sides_with_the_background() -> None:
    found = fitted("resize=20x20,contain,background=#0a141e")
    assert np.array_equal(found[5:15], area(WIDE, 20, 10))
    assert (found[:5] == (0x1E, 0x14, 0x0A)).all()
    assert (found[15:] == (0x1E, 0x14, 0x0A)).all()


def test_contain_pads_transparent_where_there_is_alpha() -> None:
    found = fitted("resize=20x20,contain,red", photograph(80, 40, 4))
    assert (found[:5, :, 3] == 0).all()


def test_contain_pads_gray_with_the_luma_of_the_background() -> None:
    found = fitted("resize=20x20,contain,red", photograph(80, 40, 1))
    assert (found[:5] == round(0.299 * 255)).all()


def test_contain_pads_sixteen_bits_in_full_range() -> None:
    found = fitted("resize=20x20,contain,white", photograph(80, 40, depth=16))
    assert (found[:5] == 65535).all()


@pytest.mark.parametrize("box", [(20, 20), (200, 90), (7, 300), (81, 41), (1, 1), (79, 40)])
@pytest.mark.parametrize("source", [(80, 40), (33, 77), (1, 90), (64, 1)])
def test_the_sizes_of_each_fit(source: tuple[int, int], box: tuple[int, int]) -> None:
    sizes = {
        fit: Resize(width=box[0], height=box[1], fit=fit).output_size(Size(*source))
        for fit in ("stretch", "cover", "contain", "inside")
    }
    assert sizes["stretch"] == sizes["cover"] == sizes["contain"] == box
    inside = sizes["inside"]
    assert inside.width <= box[0]
    assert inside.height <= box[1]
    assert inside.width == box[0] or inside.height == box[1]


@pytest.mark.parametrize(("text", "size"), [("resize=40x", (40, 20)), ("resize=x10", (20, 10))])
def test_one_side_sets_the_other_in_proportion(text: str, size: tuple[int, int]) -> None:
    assert size_of(fitted(text)) == size


# --- alpha -------------------------------------------------------------------------------------


def unseen_red_beside_blue(depth: int) -> Image:
    """Blue on the right; on the left red that is transparent."""
    white = 255 if depth == 8 else 65535
    image = np.zeros((40, 60, 4), np.uint8 if depth == 8 else np.uint16)
    image[:, :30] = (0, 0, white, 0)
    image[:, 30:] = (white, 0, 0, white)
    return image


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "step",
    [
        Resize(width=23, height=17),
        Resize(width=131, height=77),
        Resize(factor=0.5),
        Resample(Size(23, 17), Size(23, 17), two_steps=True),
        Blur(kernel_size=9),
        Rotate(degrees=17),
    ],
    ids=lambda step: step.describe(),
)
def test_transparent_colour_does_not_bleed_into_what_is_seen(
    step: Resize | Resample | Blur | Rotate, depth: int
) -> None:
    (found,) = step.produce(unseen_red_beside_blue(depth))
    seen = found[found[..., 3] > 0]
    assert len(seen) > 0
    assert (seen[:, 2] == 0).all()
    opaque = found[found[..., 3] == np.iinfo(found.dtype).max]
    assert (opaque[:, 0] == np.iinfo(found.dtype).max).all()


def test_opaque_alpha_changes_no_pixel() -> None:
    image = photograph(60, 40, 4)
    image[..., 3] = 255
    (found,) = Blur(kernel_size=5).produce(image)
    assert np.array_equal(found[..., :3], cv2.GaussianBlur(image[..., :3].copy(), (5, 5), 4))
