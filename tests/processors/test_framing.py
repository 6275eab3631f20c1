"""Borders, round corners and grids: Pillow's frame, the area of circles, lines in their places."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.registry import registry
from tests.samples import photograph


def applied(text: str, image: Image) -> Image:
    return registry().parse(text).apply(image)


# --- border ------------------------------------------------------------------------------------


@pytest.mark.parametrize("color", ["red", "#01ff80", "white"])
def test_a_border_is_that_of_pillow(color: str) -> None:
    image = photograph(31, 47)
    expected = ImageOps.expand(Pillow.fromarray(image[..., ::-1]), 7, color)
    assert np.array_equal(applied(f"border=7,{color}", image)[..., ::-1], np.asarray(expected))


def test_a_border_around_gray_has_the_luma_of_its_color() -> None:
    found = applied("border=3,red", photograph(9, 5, 1))
    assert found.shape == (11, 15)
    assert (found[0] == 76).all()  # 0.299 * 255


@pytest.mark.parametrize(("depth", "white"), [(8, 255), (16, 65535)])
def test_a_border_is_opaque(depth: int, white: int) -> None:
    image = photograph(31, 47, 4, depth)
    found = applied("border=2,blue", image)
    assert (found[:2] == (white, 0, 0, white)).all()
    assert np.array_equal(found[2:-2, 2:-2], image)


# --- round corners -----------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [1, 2.5, 10, 20])
def test_the_cut_corners_have_the_area_outside_of_a_circle(radius: float) -> None:
    image = np.full((40, 50, 3), 255, np.uint8)
    image = image if radius != 2.5 else image[:5]  # half of the shorter side at most
    alpha = applied("round_corners=20" if radius == 2.5 else f"round_corners={radius}", image)
    cut = (1 - alpha[..., 3] / 255).sum()
    assert cut == pytest.approx((4 - np.pi) * radius**2, abs=0.02 * radius**2 + 0.3 * radius)


def test_round_corners_are_alike_and_smooth() -> None:
    alpha = applied("round_corners=12", np.zeros((40, 50), np.uint8))[..., 3]
    assert np.array_equal(alpha, alpha[::-1])
    assert np.array_equal(alpha, alpha[:, ::-1])
    assert alpha[0, 0] == 0
    assert (alpha[20] == 255).all()
    assert (alpha[:, 25] == 255).all()
    assert len(np.unique(alpha)) > 5


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_round_corners_leave_the_colour_and_multiply_alpha(channels: int) -> None:
    image = photograph(60, 40, channels)
    found = applied("round_corners=50%", image)
    colour = image[..., :3] if channels > 1 else np.dstack([image] * 3)
    assert np.array_equal(found[..., :3], colour)
    if channels == 4:
        seen = applied("round_corners=50%", np.ascontiguousarray(colour))[..., 3] / 255
        assert np.abs(found[..., 3] - seen * image[..., 3]).max() <= 1.01


def test_a_percentage_is_of_the_shorter_side() -> None:
    image = photograph(60, 40)
    assert np.array_equal(applied("round_corners=25%", image), applied("round_corners=10", image))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_background_is_what_the_transparent_corners_would_lie_on(
    channels: int, depth: int
) -> None:
    image = photograph(60, 40, channels, depth)
    found = applied("round_corners=15,#204080", image)
    cut = applied("flatten=#204080", applied("round_corners=15", image))
    assert found.shape == image.shape[:2] + ((3,) if channels > 1 else ())
    if channels == 1:
        cut = applied("grayscale", cut)
    unit = 257 if depth == 16 else 1
    assert np.abs(found.astype(int) - cut.reshape(found.shape)).max() <= 1.5 * unit


# --- grid --------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 16])
def test_grid_lines_are_at_every_so_many_pixels(depth: int) -> None:
    image = photograph(35, 25, 3, depth)
    expected = image.copy()
    for at in (10, 20, 30):
        expected[at : at + 2] = expected[:, at : at + 2] = (0, 0, np.iinfo(image.dtype).max)
    assert np.array_equal(applied("grid=10,2,red,1", image), expected)


def test_lines_that_cross_are_laid_once() -> None:
    found = applied("grid=10,1,white,0.5", np.zeros((30, 30), np.uint8))
    assert set(np.unique(found)) == {0, 128}
    assert np.count_nonzero(found) == 2 * 2 * 30 - 4


def test_a_grid_is_seen_where_the_image_is_clear() -> None:
    clear = np.zeros((30, 30, 4), np.uint8)
    found = applied("grid=10,1,red,0.4", clear)
    assert (found[10] == (0, 0, 255, 102)).all()
    assert (found[5, 5] == 0).all()


@pytest.mark.parametrize(
    "text",
    ["border=-1", "border=10001", "round_corners=-1", "round_corners=101%", "grid=0", "grid=5,0"],
)
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)
