"""The fast path for JPEG at 1/8 gives what OpenCV gives, pixel by pixel, or nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from processors import jpeg_eighth
from processors.operation import Image
from tests.samples import photograph

TESTIMAGES = Path(__file__).parents[2] / "testimages"
SAMPLING = cv2.IMWRITE_JPEG_SAMPLING_FACTOR
S444, S422, S420 = 0x111111, 0x211111, 0x221111

TAKEN = {
    "4:2:0": [],
    "4:4:4": [SAMPLING, S444],
    "quality 100": [cv2.IMWRITE_JPEG_QUALITY, 100],
    "quality 100, 4:4:4": [cv2.IMWRITE_JPEG_QUALITY, 100, SAMPLING, S444],
    "quality 3": [cv2.IMWRITE_JPEG_QUALITY, 3],
    "own Huffman tables": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "restart markers": [cv2.IMWRITE_JPEG_RST_INTERVAL, 3],
}
NOT_TAKEN = {
    "4:2:2": [SAMPLING, S422],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
}
SIZES = [(160, 120), (8, 8), (1, 1), (17, 9), (16, 16), (33, 100), (250, 131)]


def encoded(image: Image, parameters: list[int]) -> bytes:
    return cv2.imencode(".jpg", image, parameters)[1].tobytes()


def opencv(data: bytes, gray: bool = False) -> Image | None:
    mode = cv2.IMREAD_REDUCED_GRAYSCALE_8 if gray else cv2.IMREAD_REDUCED_COLOR_8
    return cv2.imdecode(np.frombuffer(data, np.uint8), mode)  # type: ignore[return-value]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("gray", [False, True], ids=["colour", "gray"])
def test_pixels_equal_those_of_opencv(kind: str, size: tuple[int, int], gray: bool) -> None:
    data = encoded(photograph(*size), TAKEN[kind])
    found = jpeg_eighth.decode(data, gray)
    assert found is not None
    np.testing.assert_array_equal(found, opencv(data, gray))


@pytest.mark.parametrize("name", ["cyclo1.jpg", "cyclo2.jpg", "cyclo3.jpg", "cyclo4.jpg"])
def test_pixels_of_the_sample_images_equal_those_of_opencv(name: str) -> None:
    data = (TESTIMAGES / name).read_bytes()
    np.testing.assert_array_equal(jpeg_eighth.decode(data, gray=False), opencv(data))


def test_extreme_colours_are_limited_as_opencv_limits_them() -> None:
    rng = np.random.default_rng(7)
    blocks = rng.choice(np.array([0, 255], np.uint8), (40, 40, 3))
    image = cv2.resize(blocks, (320, 320), interpolation=cv2.INTER_NEAREST)
    data = encoded(image, [cv2.IMWRITE_JPEG_QUALITY, 20])
    np.testing.assert_array_equal(jpeg_eighth.decode(data, gray=False), opencv(data))


def test_a_gray_image_has_one_channel() -> None:
    data = encoded(photograph(90, 70, channels=1), [])
    np.testing.assert_array_equal(jpeg_eighth.decode(data, gray=False), opencv(data, gray=True))


@pytest.mark.parametrize("kind", NOT_TAKEN)
def test_what_it_does_not_take_is_left_to_opencv(kind: str) -> None:
    data = encoded(photograph(64, 48), NOT_TAKEN[kind])
    assert jpeg_eighth.decode(data, gray=False) is None


def test_colours_that_are_not_ycbcr_are_left_to_opencv() -> None:
    adobe_rgb = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    data = encoded(photograph(64, 48), [SAMPLING, S444])
    assert jpeg_eighth.decode(data[:2] + adobe_rgb + data[2:], gray=False) is None


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_image_is_not_taken(kept: float) -> None:
    data = encoded(photograph(160, 120), [])
    assert jpeg_eighth.decode(data[: int(len(data) * kept)], gray=False) is None


def test_a_missing_end_marker_is_not_taken() -> None:
    assert jpeg_eighth.decode(encoded(photograph(64, 48), [])[:-2], gray=False) is None


def test_bytes_between_the_data_and_the_end_are_not_taken() -> None:
    data = encoded(photograph(64, 48), [])
    assert jpeg_eighth.decode(data[:-2] + bytes(8) + data[-2:], gray=False) is None


def test_a_missing_restart_marker_is_not_taken() -> None:
    data = encoded(photograph(64, 48), TAKEN["restart markers"])
    first = data.index(b"\xff\xd0")
    assert jpeg_eighth.decode(data[:first] + data[first + 2 :], gray=False) is None


@pytest.mark.parametrize("kind", ["4:2:0", "restart markers", "own Huffman tables"])
def test_a_changed_byte_gives_the_pixels_of_opencv_or_nothing(kind: str) -> None:
    data = encoded(photograph(48, 40), TAKEN[kind])
    rng = np.random.default_rng(11)
    compared = 0
    for _ in range(700):
        changed = bytearray(data)
        changed[rng.integers(2, len(data))] = rng.integers(256)
        found = jpeg_eighth.decode(bytes(changed), gray=False)
        expected = None if found is None else opencv(bytes(changed))
        if found is not None and expected is not None and found.shape == expected.shape:
            compared += np.array_equal(found, expected)
            assert np.array_equal(found, expected)
    assert compared > 0


def test_a_size_that_the_data_do_not_fill_is_not_taken() -> None:
    data = bytearray(encoded(photograph(64, 48), []))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\x1f\x40\x1f\x40"
    assert jpeg_eighth.decode(bytes(data), gray=False) is None


@pytest.mark.parametrize("size", [(0, 0), (8, 0), (160, 120)], ids=str)
def test_a_second_frame_header_is_not_taken(size: tuple[int, int]) -> None:
    data = encoded(photograph(64, 48), [])
    frame = data.index(b"\xff\xc0")
    second = bytearray(data[frame : frame + 19])
    second[5:9] = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    for both in (
        data[:frame] + second + data[frame:],
        data[: frame + 19] + second + data[frame + 19 :],
    ):
        assert jpeg_eighth.decode(bytes(both), gray=False) is None


def test_another_size_than_expected_is_not_taken() -> None:
    data = encoded(photograph(64, 48), [])
    assert jpeg_eighth.decode(data, gray=False, size=(64, 48)) is not None
    assert jpeg_eighth.decode(data, gray=False, size=(48, 64)) is None
