"""The options of encoding that trade size, time and colour, and those for what is transparent."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.JpegImagePlugin import get_sampling
from pydantic import ValidationError

from processors.encoding import EncodeOptions, encode
from processors.errors import EncodeError
from processors.probing import FORMATS, ImageFormat
from tests.processors.files import file_of, pixels_of
from tests.processors.similarity import similarity
from tests.samples import photograph

PHOTOGRAPH = photograph(160, 120)
CLEAR = np.zeros((8, 8, 4), np.uint8)
WITH_QUALITY: list[ImageFormat] = ["jpeg", "webp", "avif"]
SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def sampling(data: bytes) -> int:
    """As Pillow counts them: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0."""
    with Pillow.open(io.BytesIO(data)) as image:
        return get_sampling(image)


@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_jpeg_has_the_chroma_subsampling_that_is_asked_for(name: str) -> None:
    assert sampling(file_of(PHOTOGRAPH, "jpeg", chroma_subsampling=name)) == SAMPLINGS[name]


def test_a_jpeg_has_4_2_0_by_default() -> None:
    assert file_of(PHOTOGRAPH, "jpeg") == file_of(PHOTOGRAPH, "jpeg", chroma_subsampling="4:2:0")


def test_a_gray_jpeg_has_no_chroma_to_subsample() -> None:
    gray = photograph(33, 21, 1)
    plain = file_of(gray, "jpeg")
    assert pixels_of(file_of(gray, "jpeg", chroma_subsampling="4:2:2")).ndim == 2
    assert np.array_equal(
        pixels_of(file_of(gray, "jpeg", chroma_subsampling="4:4:4")), pixels_of(plain)
    )


def test_the_default_speed_of_avif_is_9() -> None:
    assert file_of(PHOTOGRAPH, "avif") == file_of(PHOTOGRAPH, "avif", speed=9)


def test_another_speed_of_avif_gives_another_file_of_the_same_picture() -> None:
    fast, slow = (file_of(PHOTOGRAPH, "avif", speed=speed) for speed in (10, 4))
    assert fast != slow
    assert similarity(pixels_of(fast), pixels_of(slow)) > 0.8


@pytest.mark.parametrize("format", ["jpeg", "gif"])
def test_what_is_clear_shows_the_background(format: ImageFormat) -> None:
    found = pixels_of(file_of(CLEAR, format, background="red"))
    assert np.abs(found[..., :3].astype(int) - (0, 0, 255)).max() <= 6


@pytest.mark.parametrize("format", ["png", "webp", "avif", "tiff", "bmp"])
def test_formats_with_alpha_keep_it_instead(format: ImageFormat) -> None:
    assert pixels_of(file_of(CLEAR, format, background="red"))[..., 3].max() == 0


def test_the_background_is_white_by_default() -> None:
    assert pixels_of(file_of(CLEAR, "jpeg")).min() == 255


@pytest.mark.parametrize("format", WITH_QUALITY)
def test_max_bytes_gives_the_best_quality_that_fits(format: ImageFormat) -> None:
    least, most = (len(file_of(PHOTOGRAPH, format, quality=quality)) for quality in (1, 80))
    limit = (least + most) // 2
    data = file_of(PHOTOGRAPH, format, quality=80, max_bytes=limit)
    by_quality = [file_of(PHOTOGRAPH, format, quality=quality) for quality in range(1, 81)]
    best = max(at for at, one in enumerate(by_quality) if len(one) <= limit)
    assert len(data) <= limit
    assert by_quality.index(data) >= best - 2  # sizes are not strictly in order


@pytest.mark.parametrize("format", FORMATS)
def test_a_limit_that_is_kept_anyway_changes_nothing(format: ImageFormat) -> None:
    plain = file_of(PHOTOGRAPH, format)
    assert file_of(PHOTOGRAPH, format, max_bytes=len(plain)) == plain


@pytest.mark.parametrize("format", WITH_QUALITY)
def test_what_cannot_fit_is_refused_with_the_least_size(format: ImageFormat) -> None:
    least = len(file_of(PHOTOGRAPH, format, quality=1))
    with pytest.raises(EncodeError, match=f"has {least} bytes at the least quality") as caught:
        file_of(PHOTOGRAPH, format, max_bytes=50)
    assert "encode.max_bytes" in str(caught.value)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        *[("png", {}), ("tiff", {}), ("bmp", {}), ("gif", {})],
        *[("webp", {"lossless": True}), ("avif", {"lossless": True})],
    ],
)
def test_a_file_without_a_quality_is_refused_when_too_large(
    format: ImageFormat, options: dict[str, Any]
) -> None:
    with pytest.raises(EncodeError, match=r"bytes, more than the 50 of encode\.max_bytes"):
        file_of(PHOTOGRAPH, format, max_bytes=50, **options)


@pytest.mark.parametrize(
    "options",
    [
        *[{"chroma_subsampling": "4:1:1"}, {"speed": -1}, {"speed": 11}, {"max_bytes": 0}],
        *[{"background": "no colour"}, {"metadata": "all"}],
    ],
)
def test_wrong_values_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EncodeOptions.model_validate(options)


def test_auto_is_refused_where_there_is_no_accept_header() -> None:
    with pytest.raises(ValidationError, match="auto is decided by the Accept header"):
        EncodeOptions.model_validate({"format": "auto"})


@pytest.mark.parametrize("format", FORMATS)
def test_options_that_a_format_does_not_have_are_left_out_of_account(format: ImageFormat) -> None:
    every = EncodeOptions(chroma_subsampling="4:2:0", speed=9, background="white")  # type: ignore[arg-type]
    assert encode(PHOTOGRAPH, format, every) == encode(PHOTOGRAPH, format, EncodeOptions())
