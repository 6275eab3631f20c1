"""Probing of JPEG."""

import cv2
import pytest

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import probe
from tests.processors.probing.building import (
    MIB,
    assert_describes,
    assert_refused_at_once,
    decoded,
    saved,
)
from tests.processors.probing.jpegs import (
    IMAGES,
    SCANS,
    as_process,
    frame_at,
    with_empty_scans,
    without_scan,
)
from tests.processors.probing.tiffs import TABLE

JPEG_FLAGS = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


@pytest.mark.parametrize("name", IMAGES)
def test_a_jpeg_header_tells_those_of_the_flags_that_decode_it(name):
    assert_describes(probe(IMAGES[name]), decoded(IMAGES[name], JPEG_FLAGS))


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC9])
def test_a_sequential_jpeg_process_that_decodes_is_accepted(marker):
    data = as_process(saved("JPEG", "L"), marker)
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize(
    "data",
    [
        *(as_process(saved("JPEG", "L"), marker) for marker in (0xC5, 0xC6, 0xC7, 0xCB, 0xCD)),
        as_process(saved("JPEG", "L"), 0xC1, precision=12),
        as_process(saved("JPEG", "L"), 0xC3, precision=16),
    ],
)
def test_a_variant_that_does_not_decode_to_8_or_16_bits_is_unsupported(data):
    with pytest.raises(UnsupportedFormat):
        probe(data)


def test_an_image_without_pixels_is_damaged():
    data = saved("JPEG", "L")[: frame_at(saved("JPEG", "L")) + 5] + bytes(4) + b"\1\1\x11\0"
    with pytest.raises(DamagedImage):
        probe(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 16 * MIB,
        b"\xff\xd8\xff\xe0\0\2" + b"\xff\xe0\0\2" * 4 * MIB,
        b"\xff\xd8\xff\xe0\0\2" + (bytes(4000) + b"\xff\xe0\0\2") * 4000,
        b"\xff\xd8" + (b"\xff\xe1\xff\xff" + b"Exif\0\0" + TABLE[:65527]) * 200,
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)


@pytest.mark.parametrize(
    "data",
    [saved("JPEG", "RGB", progressive=True), without_scan(saved("JPEG", "RGB"))],
    ids=["progressive", "sequential"],
)
def test_thousands_of_scans_are_refused_as_each_costs_a_pass_over_the_image(data):
    with pytest.raises(UnsupportedFormat, match=r"has 10\d\d scans; at most 500 are read"):
        probe(with_empty_scans(data))


def test_scans_behind_one_of_all_components_do_no_harm():
    data = with_empty_scans(saved("JPEG", "RGB"))
    assert_describes(probe(data), decoded(data))


def test_what_looks_like_scans_in_the_metadata_is_none():
    data = saved("JPEG", "RGB", progressive=True, icc_profile=b"\xff\xda" * SCANS)
    assert_describes(probe(data), decoded(data))
