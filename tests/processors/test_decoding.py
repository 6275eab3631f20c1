"""Decoding: every format, upright, in its depth; damage and excess are refused."""

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from processors.decoding import DecodeMode, decode
from processors.errors import DamagedImage, ImageError, ImageTooLarge, UnsupportedFormat
from processors.formats import FORMAT_TRAITS
from processors.limits import Limits
from processors.operation import Image, size_of
from processors.pipeline import Runner
from processors.plan import Pipeline
from processors.probing import FORMATS, ImageFormat, probe
from tests.processors.files import file_of, oriented, png, run_pixels
from tests.samples import photograph

PHOTOGRAPH = photograph(61, 47)
EXACT: tuple[ImageFormat, ...] = ("png", "tiff", "bmp")
ALPHA: tuple[ImageFormat, ...] = ("png", "tiff", "bmp", "webp", "avif")
DEEP: tuple[ImageFormat, ...] = ("png", "tiff")


def read(data: bytes, **mode: Any) -> Image:
    return decode(data, probe(data), DecodeMode(**mode))


def difference(one: Image, other: Image) -> float:
    """The mean difference a sample, in levels."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(float) - other).mean())


# --- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_decoded(format: ImageFormat) -> None:
    assert difference(read(file_of(PHOTOGRAPH, format)), PHOTOGRAPH) < 20


@pytest.mark.parametrize("format", EXACT)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_lossless_file_gives_its_pixels(format: ImageFormat, channels: int) -> None:
    image = photograph(61, 47, channels)
    assert np.array_equal(read(file_of(image, format)), image)


@pytest.mark.parametrize("format", ALPHA)
def test_alpha_is_kept(format: ImageFormat) -> None:
    image = photograph(61, 47, 4)
    found = read(file_of(image, format))
    assert difference(found[..., 3], image[..., 3]) < 3


@pytest.mark.parametrize("format", DEEP)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_kept(format: ImageFormat, channels: int) -> None:
    image = photograph(61, 47, channels, depth=16) - np.uint16(3)
    assert np.array_equal(read(file_of(image, format)), image)


@pytest.mark.parametrize("depth", [10, 12])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_ten_and_twelve_bits_of_avif_fill_the_range(depth: int, shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.uint16)
    image[:, 15:] = (1 << depth) - 1
    options = [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
    found = read(cv2.imencode(".avif", image, options)[1].tobytes())
    assert found.dtype == np.uint16
    assert (found[:, 20:] == 65535).all()
    assert (found[:, :10] == 0).all()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (3, 8), (4, 8), (4, 16)])
def test_plain_colour_is_what_opencv_reads(format: ImageFormat, channels: int, depth: int) -> None:
    data = file_of(photograph(61, 47, channels, depth), format)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert expected is not None
    assert np.array_equal(read(data, channels="bgr"), expected)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("channels", ["keep", "gray"])
def test_a_reduced_jpeg_has_the_size_that_the_mode_tells(reduction: int, channels: str) -> None:
    data = file_of(PHOTOGRAPH, "jpeg")
    mode = {"reduction": reduction, "channels": channels}
    found = read(data, **mode)
    assert size_of(found) == DecodeMode(**mode).size(probe(data))  # type: ignore[arg-type]
    assert found.ndim == (3 if channels == "keep" else 2)


# --- orientation -------------------------------------------------------------------------------

CORNERS = np.zeros((40, 60, 3), np.uint8)
CORNERS[:20, :30], CORNERS[:20, 30:] = (0, 0, 255), (0, 255, 0)
CORNERS[20:, :30], CORNERS[20:, 30:] = (255, 0, 0), (255, 255, 255)


@pytest.mark.parametrize("channels", ["keep", "bgr"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_comes_out_upright(kind: str, orientation: int, channels: str) -> None:
    (found,) = run_pixels(oriented(CORNERS, orientation, kind), channels=channels)
    assert difference(found, CORNERS) < 2


# --- damage ------------------------------------------------------------------------------------


def interlaced(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(PHOTOGRAPH[..., ::-1])).save(buffer, kind, **options)
    return buffer.getvalue()


WHOLE = {
    **{format: file_of(PHOTOGRAPH, format) for format in FORMATS},
    **{f"{format} with alpha": file_of(photograph(61, 47, 4), format) for format in ALPHA},
    "progressive jpeg": file_of(PHOTOGRAPH, "jpeg", progressive=True),
    "lossless webp": interlaced("WEBP", lossless=True),
    "tiff lzw": interlaced("TIFF", compression="tiff_lzw"),
    "plain tiff": interlaced("TIFF"),
}
CUTS = 24


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_truncated_file_is_refused_wherever_it_ends(data: bytes) -> None:
    ends = {*range(0, len(data), len(data) // CUTS), len(data) - 1, len(data) - 4}
    accepted = [end for end in sorted(ends) if _accepts(data[:end])]
    assert accepted == []


def _accepts(data: bytes) -> bool:
    try:
        read(data)
    except ImageError:
        return False
    return True


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_a_jpeg_whose_missing_part_the_library_fills_is_refused(
    progressive: bool, reduction: int
) -> None:
    data = file_of(photograph(200, 150), "jpeg", progressive=progressive)
    filled = data[: len(data) // 2] + b"\xff\xd9"
    assert cv2.imdecode(np.frombuffer(filled, np.uint8), cv2.IMREAD_COLOR) is not None
    with pytest.raises(DamagedImage, match="premature end of data segment"):
        read(filled, reduction=reduction)


def test_a_jpeg_with_overwritten_data_that_leave_a_gray_part_is_refused() -> None:
    data = bytearray(file_of(photograph(200, 150), "jpeg"))
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff\xd0" * 20
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
    with pytest.raises(DamagedImage):
        read(bytes(data))


def test_the_refusal_names_the_format_and_the_reason() -> None:
    data = file_of(PHOTOGRAPH, "png")
    with pytest.raises(DamagedImage, match="the png image is damaged or truncated: "):
        read(data[: len(data) // 2])


def test_a_good_image_after_a_damaged_one_is_decoded() -> None:
    data = file_of(PHOTOGRAPH, "jpeg")
    with pytest.raises(DamagedImage):
        read(data[:-200])
    assert difference(read(data), PHOTOGRAPH) < 20


@pytest.mark.parametrize("size", [(80, 50), (40, 100), (20, 50), (40, 30), (6000, 6000)])
def test_a_jpeg_whose_header_lies_about_the_size_is_refused(size: tuple[int, int]) -> None:
    data = bytearray(file_of(photograph(50, 40), "jpeg"))
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", *size)
    with pytest.raises(DamagedImage):
        read(bytes(data))


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_a_png_with_fewer_rows_than_its_header_states_is_refused(rows: int) -> None:
    with pytest.raises(DamagedImage, match="Not enough image data"):
        read(png(10, 10, rows))


# --- formats and limits ------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", ["a.jpg", "a.png", "a.bmp"])
def test_the_name_of_a_file_says_nothing_about_its_content(format: ImageFormat, path: str) -> None:
    done = Runner(Pipeline(), Limits()).run(file_of(PHOTOGRAPH, format), path)
    assert difference(read(done.images[0].data), PHOTOGRAPH) < 20


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"hello", "no known format"),
        (b"", "no bytes"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\3\4", "ZIP"),
    ],
)
def test_other_files_are_refused_by_name(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=name):
        Runner(Pipeline(), Limits()).run(data, "a.jpg")


@pytest.mark.parametrize("channels", ["keep", "bgr"])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(channels: Any) -> None:
    """Its data end at once: decoded, it would be damaged rather than large."""
    bomb = png(50_000, 1_010, 0)
    with pytest.raises(ImageTooLarge, match=r"50000x1010 is 50\.5 megapixels"):
        Runner(Pipeline(channels=channels), Limits()).run(bomb, "a.png")


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(ImageTooLarge, match="11 bytes is over the limit of 10"):
        Runner(Pipeline(), Limits(max_bytes=10)).run(b"not an imag", "a.png")


def test_every_format_that_is_read_can_be_written() -> None:
    assert set(FORMAT_TRAITS) == set(FORMATS)
