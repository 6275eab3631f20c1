"""Encoding: what each format keeps, what the options do, what is refused."""

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from processors.decoding import DecodeMode, decode
from processors.encoding import EncodeOptions, OpenCVDefaults, encode
from processors.errors import EncodeError
from processors.formats import FORMAT_TRAITS, format_of_path
from processors.operation import Image
from processors.probing import FORMATS, ImageFormat, probe
from tests.processors.files import file_of, pixels_of
from tests.processors.similarity import similarity
from tests.samples import photograph

PHOTOGRAPH = photograph(120, 80)
LEAST_SIMILARITY: dict[ImageFormat, float] = {"jpeg": 0.9, "webp": 0.8, "avif": 0.8, "gif": 0.5}
"""SSIM at default quality, on an image with much noise and hard red edges; the rest is exact."""

BY_FORMAT = pytest.mark.parametrize("format", FORMATS)
SHALLOW = [format for format in FORMATS if not FORMAT_TRAITS[format].deep]
OPAQUE = [format for format in FORMATS if not FORMAT_TRAITS[format].alpha]


# --- what is kept ------------------------------------------------------------------------------


@BY_FORMAT
def test_a_result_is_a_file_of_the_wanted_format(format: ImageFormat) -> None:
    assert probe(file_of(PHOTOGRAPH, format)).format == format


@BY_FORMAT
def test_a_result_looks_like_the_image(format: ImageFormat) -> None:
    found = pixels_of(file_of(PHOTOGRAPH, format))
    assert similarity(found, PHOTOGRAPH) >= LEAST_SIMILARITY.get(format, 1)


@pytest.mark.parametrize("format", ["png", "tiff", "bmp"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_lossless_format_keeps_every_pixel(format: ImageFormat, channels: int) -> None:
    image = photograph(33, 21, channels)
    assert np.array_equal(pixels_of(file_of(image, format)), image)


@BY_FORMAT
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (33, 21)])
def test_every_kind_of_image_can_be_written(
    format: ImageFormat, depth: int, channels: int, size: tuple[int, int]
) -> None:
    data = file_of(photograph(*size, channels, depth), format)
    assert decode(data, probe(data), DecodeMode()).shape[1::-1] == size


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_sixteen_bits_are_kept_where_the_format_has_them(format: ImageFormat) -> None:
    image = photograph(33, 21, 3, depth=16) - np.uint16(7)
    assert np.array_equal(pixels_of(file_of(image, format)), image)


@pytest.mark.parametrize("format", SHALLOW)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_rounded_where_it_has_eight(format: ImageFormat, channels: int) -> None:
    deep = photograph(33, 21, channels, depth=16)
    rounded = np.round(deep / 257).astype(np.uint8)
    darker = deep - np.minimum(deep, 100).astype(np.uint16)
    assert file_of(darker, format) == file_of(rounded, format)


def on_white(image: Image) -> Image:
    alpha = image[..., 3:] / 255
    laid = image[..., :3] * alpha + 255 * (1 - alpha)
    return np.round(laid).astype(np.uint8)


@pytest.mark.parametrize("format", OPAQUE)
def test_alpha_is_laid_onto_white_where_the_format_has_none(format: ImageFormat) -> None:
    image = photograph(120, 80, 4)
    expected, found = pixels_of(file_of(on_white(image), format)), pixels_of(file_of(image, format))
    assert similarity(found, expected) > 0.97


@pytest.mark.parametrize("format", OPAQUE)
def test_what_is_transparent_becomes_white(format: ImageFormat) -> None:
    image = np.zeros((16, 16, 4), np.uint8)
    assert (pixels_of(file_of(image, format)) > 250).all()


# --- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality_trades_bytes_for_likeness(format: ImageFormat) -> None:
    files = [file_of(PHOTOGRAPH, format, quality=quality) for quality in (10, 50, 95)]
    found = [similarity(pixels_of(data), PHOTOGRAPH) for data in files]
    assert [len(data) for data in files] == sorted({len(data) for data in files})
    assert found == sorted(set(found))


@pytest.mark.parametrize(("format", "quality"), [("jpeg", 90), ("webp", 80), ("avif", 60)])
def test_the_quality_has_a_default(format: ImageFormat, quality: int) -> None:
    assert file_of(PHOTOGRAPH, format) == file_of(PHOTOGRAPH, format, quality=quality)


def test_progressive_makes_a_progressive_jpeg() -> None:
    progressive = file_of(PHOTOGRAPH, "jpeg", progressive=True)
    assert probe(progressive).progressive
    assert not probe(file_of(PHOTOGRAPH, "jpeg")).progressive
    assert np.array_equal(pixels_of(progressive), pixels_of(file_of(PHOTOGRAPH, "jpeg")))


def test_lossless_webp_keeps_every_pixel() -> None:
    assert np.array_equal(pixels_of(file_of(PHOTOGRAPH, "webp", lossless=True)), PHOTOGRAPH)


def test_lossless_avif_keeps_every_pixel() -> None:
    assert np.array_equal(pixels_of(file_of(PHOTOGRAPH, "avif", lossless=True)), PHOTOGRAPH)


def test_compression_makes_a_smaller_png_of_the_same_pixels() -> None:
    files = [file_of(PHOTOGRAPH, "png", compression=level) for level in (0, 9)]
    assert len(files[1]) < len(files[0])
    assert all(np.array_equal(pixels_of(data), PHOTOGRAPH) for data in files)


@BY_FORMAT
def test_options_that_a_format_does_not_have_are_left_out_of_account(format: ImageFormat) -> None:
    file_of(PHOTOGRAPH, format, quality=50, progressive=True, lossless=True, compression=1)


@BY_FORMAT
def test_the_defaults_of_opencv_are_those_of_imwrite(format: ImageFormat) -> None:
    extension = FORMAT_TRAITS[format].extensions[0]
    expected = cv2.imencode(f".{extension}", PHOTOGRAPH)[1].tobytes()
    assert encode(PHOTOGRAPH, format, OpenCVDefaults()) == expected


@pytest.mark.parametrize(
    "options",
    [{"quality": 0}, {"quality": 101}, {"compression": 10}, {"format": "svg"}, {"speed": 11}],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EncodeOptions.model_validate(options)


# --- the format --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "format"),
    [
        *[("a.jpg", "jpeg"), ("a.JPEG", "jpeg"), ("a.Jpe", "jpeg"), ("a.jfif", "jpeg")],
        *[("a.PNG", "png"), ("a.b/c.WebP", "webp"), ("a.avif", "avif"), ("a.tif", "tiff")],
        *[("a.TIFF", "tiff"), ("a.bmp", "bmp"), ("a.dib", "bmp"), ("a.png.gif", "gif")],
    ],
)
def test_the_extension_decides_in_any_case(path: str, format: ImageFormat) -> None:
    assert format_of_path(path) == format


@pytest.mark.parametrize("path", ["a.txt", "a", "a.", ".png", "png", "a.jpg/b", "", "a.jpg "])
def test_another_extension_is_refused_with_those_that_are_known(path: str) -> None:
    with pytest.raises(EncodeError, match=r"use one of \.jpg, .*\.png, .*\.gif, or set encode"):
        format_of_path(path)


def test_a_stated_format_wins_over_the_extension() -> None:
    assert EncodeOptions(format="webp").format_for("a.jpg", "png") == "webp"


def test_without_a_path_the_format_is_that_of_the_input() -> None:
    assert EncodeOptions().format_for(None, "gif") == "gif"


@pytest.mark.parametrize("name", ["jpg", "JPG", "jpeg", "TIF", "Png"])
def test_a_format_may_be_given_by_any_of_its_extensions(name: str) -> None:
    assert EncodeOptions.model_validate({"format": name}).format in FORMATS


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("upright", [False, True])
@BY_FORMAT
def test_the_longest_side_can_be_written_and_read(format: ImageFormat, upright: bool) -> None:
    side = FORMAT_TRAITS[format].max_side
    image = np.zeros((side, 1) if upright else (1, side), np.uint8)
    data = file_of(image, format)
    assert decode(data, probe(data), DecodeMode()).shape[:2] == image.shape


@BY_FORMAT
def test_a_longer_side_is_refused(format: ImageFormat) -> None:
    side = FORMAT_TRAITS[format].max_side
    with pytest.raises(EncodeError, match=f"{format} holds sides of {side} pixels at most"):
        file_of(np.zeros((1, side + 1), np.uint8), format)


def test_an_encoder_that_lacks_memory_says_so() -> None:
    """In a process of its own, whose memory is limited."""
    code = (
        "import resource, numpy as np\n"
        "from processors.encoding import EncodeOptions, encode\n"
        "from processors.errors import OutOfMemory\n"
        "noise = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (150 << 20),) * 2)\n"
        "try:\n"
        "    encode(noise, 'avif', EncodeOptions(speed=9))\n"
        "except OutOfMemory:\n"
        "    print('out of memory')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "out of memory\n"
