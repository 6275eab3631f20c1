"""Deskew: pages of drawn text, turned by known angles, come out straight."""

import cv2
import numpy as np
import pytest

from processors.alpha import full_scale
from processors.operation import Image
from processors.operations.geometry import Rotate
from processors.operations.straightening import Deskew, skew
from processors.registry import registry
from tests.samples import photograph

TOLERANCE = 0.3  # degrees


def page(width: int = 800, height: int = 1000, lines: int = 20) -> Image:
    """(height, width) uint8: black lines of words on white."""
    rng = np.random.default_rng(1)
    image = np.full((height, width), 255, np.uint8)
    for line in range(lines):
        words = ("".join(map(chr, rng.integers(97, 123, rng.integers(2, 9)))) for _ in range(8))
        where = (width // 10, height // 10 + 36 * (line + 1))
        cv2.putText(image, " ".join(words), where, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1)
    return image


PAGE = page()
PAGES = {"a page": PAGE, "three lines": page(600, 400, 3), "a line": page(600, 200, 1)}


def turned(image: Image, degrees: float, background: str = "white") -> Image:
    return Rotate.build({"degrees": degrees, "expand": False, "background": background}).apply(
        image
    )


def angle_of(image: Image, most: float = 15) -> float:
    return skew(image, most)  # type: ignore[arg-type]


@pytest.mark.parametrize("background", ["white", "black"])
@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("degrees", [-14.5, -7.3, -2, -0.6, 0.33, 1.77, 5, 11.1, 15])
def test_the_angle_of_the_lines_is_found(degrees: float, kind: str, background: str) -> None:
    found = angle_of(turned(PAGES[kind], degrees, background))
    assert found == pytest.approx(degrees, abs=TOLERANCE)


@pytest.mark.parametrize("degrees", [-9.4, 3.7, 12])
def test_the_page_comes_out_straight(degrees: float) -> None:
    found = Deskew().apply(turned(PAGE, degrees))
    assert found.shape == PAGE.shape
    assert abs(angle_of(found)) <= TOLERANCE
    inner = np.s_[100:-100, 80:-80]
    wrong = np.abs(found[inner].astype(float) - PAGE[inner]).mean()
    assert wrong < np.abs(turned(PAGE, 1)[inner].astype(float) - PAGE[inner]).mean() / 2


def test_the_image_is_turned_as_rotate_does() -> None:
    askew = turned(PAGE, 4)
    assert np.array_equal(Deskew().apply(askew), turned(askew, -angle_of(askew)))


def test_light_lines_on_dark_are_straightened_too() -> None:
    assert angle_of(255 - turned(PAGE, 6)) == pytest.approx(6, abs=TOLERANCE)


def test_a_noisy_gray_scan_is_straightened() -> None:
    noise = np.random.default_rng(2).normal(0, 25, PAGE.shape)
    scan = np.clip(turned(PAGE, -5.5) * 0.5 + 90 + noise, 0, 255).astype(np.uint8)
    assert angle_of(scan) == pytest.approx(-5.5, abs=TOLERANCE)


def test_a_large_scan_is_measured_on_a_small_copy() -> None:
    large = cv2.resize(turned(PAGE, 8), (3200, 4000), interpolation=cv2.INTER_CUBIC)
    assert angle_of(large) == pytest.approx(8, abs=TOLERANCE)  # type: ignore[arg-type]


def test_larger_angles_are_looked_for_on_demand() -> None:
    askew = turned(PAGE, 32)
    assert angle_of(askew, 40) == pytest.approx(32, abs=TOLERANCE)
    assert abs(angle_of(askew)) <= 15


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(PAGE, id="a straight page"),
        pytest.param(np.full((50, 70), 99, np.uint8), id="one colour"),
        pytest.param(photograph(400, 300), id="a photograph"),
        pytest.param(np.random.default_rng(3).integers(0, 256, (300, 400), np.uint8), id="noise"),
    ],
)
def test_what_shows_no_skew_stays_as_it_is(image: Image) -> None:
    assert np.array_equal(Deskew().apply(image), image)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_kind_of_image_is_straightened(channels: int, depth: int) -> None:
    gray = turned(PAGE, 5).astype(np.uint16) * 257 if depth == 16 else turned(PAGE, 5)
    image = gray if channels == 1 else cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    if channels == 4:
        image = np.dstack([np.zeros_like(image), full_scale(gray) - gray])  # the ink is opaque
    found = Deskew().apply(image)  # type: ignore[arg-type]
    plane = found if channels == 1 else found[..., -1]
    assert (found.dtype, found.shape) == (image.dtype, image.shape)
    assert abs(angle_of((plane / (257 if depth == 16 else 1)).astype(np.uint8))) <= TOLERANCE


@pytest.mark.parametrize(
    ("channels", "corner"), [(1, 255), (3, (255, 255, 255)), (4, (255, 255, 255, 0))]
)
def test_the_corners_are_white_or_transparent(channels: int, corner: int | tuple[int, ...]) -> None:
    askew = turned(PAGE, 10) // 2
    image = askew if channels == 1 else cv2.cvtColor(askew, cv2.COLOR_GRAY2BGR)
    if channels == 4:
        image = np.dstack([image, np.full_like(askew, 255)])
    assert (registry().parse("deskew").produce(image)[0][0, 0] == corner).all()  # type: ignore[arg-type]
