"""Probing: what a header says is what decoding yields, and no bytes make it fail otherwise."""

import random

import pytest

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import FORMATS, Header, probe, sniff
from tests.processors.probing.building import assert_describes, decoded, exif_of, outcome, saved
from tests.processors.probing.samples import IMAGES, SMALL


@pytest.mark.parametrize("data", IMAGES.values(), ids=IMAGES)
def test_the_header_tells_the_shape_and_depth_of_the_decoded_array(data):
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize("name", IMAGES)
def test_the_format_is_that_of_the_container(name):
    assert probe(IMAGES[name]).format == sniff(IMAGES[name]) == name.split()[0]


@pytest.mark.parametrize("name", IMAGES)
def test_only_progressive_jpeg_and_interlaced_png_are_progressive(name):
    is_progressive = name.startswith("jpeg progressive") or name.endswith("interlaced True")
    assert probe(IMAGES[name]).progressive == is_progressive


def test_a_header_is_a_cache_key():
    assert len({probe(IMAGES["png L"]), probe(IMAGES["png L"])}) == 1


def test_every_format_has_images_here():
    assert {name.split()[0] for name in IMAGES} == set(FORMATS) == set(SMALL)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_orientation_is_told_and_left_to_apply(kind, orientation):
    data = saved(kind, "RGB", exif=exif_of(orientation))
    assert probe(data).orientation == orientation
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize("orientation", [0, 9, 1000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_out_of_range_counts_as_upright(kind, orientation):
    assert probe(saved(kind, "RGB", exif=exif_of(orientation))).orientation == 1


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- drawn --><svg/>", "SVG"),
        (b"<!DOCTYPE html><body><svg/>", "HTML"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", "MP4"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"II+\0\x08\0\0\0", "BigTIFF"),
        (b"MM\0+\0\x08\0\0", "BigTIFF"),
        (b"P6 2 2 255 ", "Netpbm"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "RIFF"),
    ],
)
def test_a_recognised_format_is_named_when_refused(data, name):
    with pytest.raises(UnsupportedFormat, match=rf"{name}.*; accepted are JPEG, PNG, .*GIF"):
        sniff(data)


@pytest.mark.parametrize("data", [b"", b"\0", b"hello, world", bytes(100)])
def test_what_is_no_image_is_refused_with_the_accepted_formats(data):
    with pytest.raises(UnsupportedFormat, match="accepted are JPEG"):
        probe(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_truncation_makes_probing_fail_otherwise(kind):
    whole, data = probe(SMALL[kind]), SMALL[kind]
    for end in range(len(data)):
        found = outcome(data[:end])
        # only the orientation of a WebP comes after its pixels, and may be lost
        assert (
            isinstance(found, DamagedImage | UnsupportedFormat)
            or found == whole
            or (kind == "webp" and found.orientation == 1)
        )


@pytest.mark.parametrize("kind", FORMATS)
def test_no_change_of_bytes_makes_probing_fail_otherwise(kind):
    chance = random.Random(kind)
    for at in range(min(len(SMALL[kind]), 1200)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)):
            data = bytearray(SMALL[kind])
            data[at] = value
            assert isinstance(outcome(bytes(data)), Header | DamagedImage | UnsupportedFormat)
            data[at : at + 4] = bytes((value,)) * 4
            assert isinstance(outcome(bytes(data)), Header | DamagedImage | UnsupportedFormat)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_noise_after_the_first_bytes_makes_probing_fail_otherwise(kind):
    chance = random.Random(kind)
    for _ in range(300):
        data = SMALL[kind][: chance.choice((4, 8, 16, 32, 64))] + chance.randbytes(300)
        assert isinstance(outcome(data), Header | DamagedImage | UnsupportedFormat)
