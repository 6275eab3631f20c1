"""The perceptual hash: near for what looks alike, far for what does not."""

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.fft

from processors.operation import Image
from processors.perceptual_hash import distance, perceptual_hash
from tests.processors.files import file_of, pixels_of
from tests.samples import photograph

SCENES = sorted(Path("testimages").resolve().glob("cyclo*.jpg"))
NEAR, FAR = 6, 18


@pytest.fixture(scope="module", params=SCENES, ids=lambda path: path.stem)
def scene(request: pytest.FixtureRequest) -> Image:
    return pixels_of(request.param.read_bytes())


@pytest.mark.parametrize("factor", [0.75, 0.5, 0.2, 0.1, 1.7])
def test_another_size_is_near(scene: Image, factor: float) -> None:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    other = cv2.resize(scene, None, fx=factor, fy=factor, interpolation=method)
    assert distance(perceptual_hash(scene), perceptual_hash(other)) <= NEAR  # type: ignore[arg-type]


@pytest.mark.parametrize("quality", [90, 50, 20, 10])
def test_a_jpeg_of_it_is_near(scene: Image, quality: int) -> None:
    other = pixels_of(file_of(scene, "jpeg", quality=quality))
    assert distance(perceptual_hash(scene), perceptual_hash(other)) <= NEAR


def test_another_brightness_is_near(scene: Image) -> None:
    other = cv2.convertScaleAbs(scene, alpha=0.8, beta=20)
    assert distance(perceptual_hash(scene), perceptual_hash(other)) <= NEAR  # type: ignore[arg-type]


def test_different_pictures_are_far_apart() -> None:
    pictures = [photograph(320, 240, seed=seed) for seed in range(20)]
    hashes = [perceptual_hash(picture) for picture in pictures]
    found = [distance(first, second) for first, second in combinations(hashes, 2)]
    assert min(found) > NEAR
    assert np.mean(found) >= FAR


def test_the_bits_are_those_of_the_published_method() -> None:
    """Of an image of 32 x 32 there is nothing to resize: SciPy's DCT gives the same bits."""
    gray = photograph(32, 32, channels=1)
    low = scipy.fft.dctn(gray.astype(float), norm="ortho")[1:9, 1:9].ravel()
    bits = "".join("1" if value > np.median(low) else "0" for value in low)
    assert perceptual_hash(gray) == int(bits, 2)


def test_half_of_the_bits_are_set(scene: Image) -> None:
    assert perceptual_hash(scene).bit_count() == 32


def test_16_bits_alpha_and_gray_make_no_difference() -> None:
    image = photograph(200, 120)
    expected = perceptual_hash(image)
    deep = image.astype(np.uint16) * np.uint16(257)
    opaque = np.dstack([image, np.full(image.shape[:2], 9, np.uint8)])
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    for other in (deep, opaque, gray):
        assert distance(expected, perceptual_hash(other)) <= 1  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (300, 200, 3), (7, 5, 4)])
def test_one_colour_has_no_bits(shape: tuple[int, ...]) -> None:
    assert perceptual_hash(np.full(shape, 77, np.uint8)) == 0


def test_the_distance_counts_bits() -> None:
    assert distance(0b1011, 0b0010) == 2
    assert distance(0, 2**64 - 1) == 64
