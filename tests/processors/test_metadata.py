"""What a file says beside its pixels is read, kept, edited or left out."""

import io
import random
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from processors.embedding import kept
from processors.encoding import EncodeOptions, encode
from processors.limits import Limits
from processors.metadata import MAX_PROFILE, Metadata, read
from processors.pipeline import Runner
from processors.probing import FORMATS, ImageFormat
from tests.processors import icc
from tests.processors.files import file_of, pipeline, pixels_of
from tests.samples import photograph

HOLDING: list[ImageFormat] = ["jpeg", "png", "webp", "avif", "tiff"]
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"/></x:xmpmeta>'
)
ARTIST, COPYRIGHT, MODEL, ORIENTATION, EXIF, GPS = 0x013B, 0x8298, 0x0110, 0x0112, 0x8769, 0x8825
EXPOSURE, PIXEL_WIDTH = 0x829A, 0xA002
SIZE = (64, 48)


def camera_exif() -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[ARTIST], exif[COPYRIGHT], exif[MODEL] = "Vivian Maier", "(c) 1956", "Rolleiflex"
    exif[ORIENTATION] = 6
    exif.get_ifd(EXIF)[EXPOSURE] = IFDRational(1, 60)
    exif.get_ifd(EXIF)[PIXEL_WIDTH] = SIZE[0]
    exif.get_ifd(GPS)[1] = "N"
    return exif


def photo(kind: ImageFormat = "jpeg", profile: bytes | None = None) -> bytes:
    """A file of Pillow with all three kinds of metadata."""
    image = Pillow.fromarray(np.ascontiguousarray(photograph(*SIZE)[..., ::-1]))
    options: dict[str, Any] = {"exif": camera_exif(), "xmp": XMP}
    if kind == "png":
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        options = {"exif": camera_exif(), "pnginfo": text}
    if kind == "tiff":
        exif = options["exif"]
        exif[700], exif[EXIF], exif[GPS] = XMP, exif.get_ifd(EXIF), exif.get_ifd(GPS)
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=profile or icc.adobe_rgb(), **options)
    return buffer.getvalue()


def result_of(data: bytes, format: ImageFormat, *texts: str, **encode: Any) -> bytes:
    asked = pipeline(*texts, encode=EncodeOptions(format=format, **encode))
    (result,) = Runner(asked, Limits()).run(data, None).images
    return result.data


def seen(data: bytes) -> tuple[Pillow.Exif, bytes | None, bytes | None]:
    """EXIF, profile and XMP of a file, as Pillow reads them."""
    with Pillow.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        for directory in (EXIF, GPS):
            exif.get_ifd(directory)  # now, while the file is open
        image.load()
        text = image.info.get("XML:com.adobe.xmp")
        xmp = text.encode() if isinstance(text, str) else image.info.get("xmp")
        return exif, image.info.get("icc_profile"), xmp


@pytest.mark.parametrize("kind", HOLDING)
def test_all_three_kinds_are_read(kind: ImageFormat) -> None:
    found = read(photo(kind), kind)
    assert (found.profile, found.xmp) == (icc.adobe_rgb(), XMP)
    exif = Pillow.Exif()
    exif.load(found.exif or b"")
    assert exif[ARTIST] == "Vivian Maier"


@pytest.mark.parametrize("kind", ["bmp", "gif"])
def test_formats_without_metadata_have_none(kind: ImageFormat) -> None:
    assert read(photo("png"), kind) == Metadata()


@pytest.mark.parametrize("kind", HOLDING)
def test_a_truncated_file_has_what_is_whole_or_nothing(kind: ImageFormat) -> None:
    data = photo(kind)
    for end in range(0, len(data), 7):
        found = read(data[:end], kind)
        assert found.profile in (None, icc.adobe_rgb())
        assert found.xmp in (None, XMP)


@pytest.mark.parametrize("kind", HOLDING)
def test_damaged_bytes_never_raise(kind: ImageFormat) -> None:
    data, chance = photo(kind), random.Random(7)
    for _ in range(1000):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[chance.randrange(min(len(data), 2000))] = chance.randrange(256)
        assert isinstance(read(bytes(damaged), kind), Metadata)


def test_a_profile_beyond_the_limit_is_not_read() -> None:
    profile = icc.adobe_rgb_by_table(padding=MAX_PROFILE)
    assert read(photo("png", profile), "png").profile is None


def test_a_jpeg_that_lacks_a_part_of_its_profile_has_none() -> None:
    data = photo("jpeg", icc.adobe_rgb_by_table(padding=100_000))
    second = data.index(b"ICC_PROFILE\0\x02")
    missing = data[:second] + b"ICC_PROFILX" + data[second + 11 :]
    assert read(data, "jpeg").profile is not None
    assert read(missing, "jpeg").profile is None


@pytest.mark.parametrize("format", FORMATS)
def test_strip_leaves_nothing(format: ImageFormat) -> None:
    exif, profile, xmp = seen(result_of(photo(), format))
    assert not {ARTIST, COPYRIGHT, MODEL, ORIENTATION, EXIF, GPS} & set(exif)
    assert (profile, xmp) == (None, None)


@pytest.mark.parametrize("kind", HOLDING)
@pytest.mark.parametrize("format", HOLDING)
def test_keep_keeps_all_three(kind: ImageFormat, format: ImageFormat) -> None:
    exif, profile, xmp = seen(result_of(photo(kind), format, metadata="keep"))
    assert (exif[ARTIST], exif[COPYRIGHT], exif[MODEL]) == (
        "Vivian Maier",
        "(c) 1956",
        "Rolleiflex",
    )
    assert exif.get_ifd(EXIF)[EXPOSURE] == IFDRational(1, 60)
    assert exif.get_ifd(GPS)[1] == "N"
    assert profile == icc.adobe_rgb()
    assert xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')


@pytest.mark.parametrize("format", HOLDING)
def test_what_is_kept_says_that_the_picture_stands_upright(format: ImageFormat) -> None:
    result = result_of(photo(), format, metadata="keep")
    exif, _, _ = seen(result)
    assert exif[ORIENTATION] == 1
    assert PIXEL_WIDTH not in exif.get_ifd(EXIF)
    assert pixels_of(result).shape == (SIZE[0], SIZE[1], 3)


def test_keep_does_not_convert_the_colours() -> None:
    data = photo("png")
    kept = pixels_of(result_of(data, "png", metadata="keep"))
    stored = cv2.rotate(pixels_of(data), cv2.ROTATE_90_CLOCKWISE)
    assert np.array_equal(kept, stored)


def test_keep_converts_the_colours_for_a_format_without_profiles() -> None:
    data = photo("png")
    kept = pixels_of(result_of(data, "bmp", metadata="keep"))
    assert np.array_equal(kept, pixels_of(result_of(data, "bmp")))


def test_a_profile_of_colour_is_not_written_into_gray() -> None:
    _, profile, _ = seen(result_of(photo(), "png", "grayscale", metadata="keep"))
    assert profile is None


def test_keep_drops_the_thumbnail() -> None:
    exif = camera_exif()
    thumbnail = io.BytesIO()
    Pillow.new("RGB", (16, 16), "red").save(thumbnail, "JPEG")
    block = exif.tobytes()
    count = int.from_bytes(block[14:16], "big")
    link = 16 + 12 * count
    second = len(block) - 6
    tags = [(513, second + 2 + 24 + 4), (514, len(thumbnail.getvalue()))]
    directory = b"\0\2" + b"".join(
        tag.to_bytes(2, "big") + b"\0\4\0\0\0\1" + value.to_bytes(4, "big") for tag, value in tags
    )
    block = block[:link] + second.to_bytes(4, "big") + block[link + 4 :]
    block += directory + bytes(4) + thumbnail.getvalue()
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(buffer, "JPEG", exif=block)
    assert thumbnail.getvalue() in buffer.getvalue()
    result = result_of(buffer.getvalue(), "jpeg", metadata="keep")
    assert thumbnail.getvalue() not in result
    assert seen(result)[0][ARTIST] == "Vivian Maier"


@pytest.mark.parametrize("format", HOLDING)
def test_copyright_keeps_its_two_tags_alone(format: ImageFormat) -> None:
    exif, profile, xmp = seen(result_of(photo(), format, metadata="copyright"))
    assert (exif[ARTIST], exif[COPYRIGHT]) == ("Vivian Maier", "(c) 1956")
    assert not {MODEL, ORIENTATION, EXIF, GPS} & set(exif)
    assert (profile, xmp) == (None, None)


def test_copyright_converts_the_colours() -> None:
    data = photo("png")
    kept = pixels_of(result_of(data, "png", metadata="copyright"))
    assert np.array_equal(kept, pixels_of(result_of(data, "png")))


@pytest.mark.parametrize("bits", [8, 16])
def test_tags_in_a_tiff_leave_its_pixels_alone(bits: int) -> None:
    image = photograph(300, 200, depth=bits)
    plain = file_of(image, "tiff")
    tagged = encode(image, "tiff", EncodeOptions(), kept(read(photo(), "jpeg"), "keep"))
    assert read(tagged, "tiff").profile == icc.adobe_rgb()
    assert np.array_equal(pixels_of(tagged), pixels_of(plain))


@pytest.mark.parametrize("exif", [b"MM\0*", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"])
def test_broken_exif_is_left_out(exif: bytes) -> None:
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(buffer, "JPEG", exif=b"Exif\0\0" + exif)
    result = result_of(buffer.getvalue(), "jpeg", metadata="keep")
    assert pixels_of(result).shape == (8, 8, 3)
