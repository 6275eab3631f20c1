"""Probing of PNG, and of the metadata that it shares with other formats."""

import struct

import pytest

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import probe
from tests.processors.probing.building import MIB, assert_refused_at_once, exif_of
from tests.processors.probing.pngs import EXIF_6, chunk, png
from tests.processors.probing.tiffs import TABLE


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["B", "H", "I"])
def test_the_orientation_is_read_in_either_byte_order_and_any_width(order, kind):
    number = {"B": 1, "H": 3, "I": 4}[kind]
    entry = struct.pack(f"{order}HHI{kind}", 274, number, 1, 8).ljust(12, b"\0")
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, 1)
    assert probe(png(0, 8, before_pixels=chunk(b"eXIf", head + entry))).orientation == 8


@pytest.mark.parametrize("exif", [b"", b"II", b"XX*\0\0\0\0\0", b"II*\0\xff\xff\xff\xff"])
def test_damaged_metadata_count_as_upright(exif):
    assert probe(png(0, 8, before_pixels=chunk(b"eXIf", exif))).orientation == 1


def test_the_first_of_two_orientations_counts():
    second = chunk(b"eXIf", exif_of(3)[6:])
    assert probe(png(0, 8, before_pixels=EXIF_6 + second)).orientation == 6


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", bytes(13)),
    ],
)
def test_a_variant_that_does_not_decode_to_8_or_16_bits_is_unsupported(data):
    with pytest.raises(UnsupportedFormat):
        probe(data)


def test_an_image_without_pixels_is_damaged():
    data = png(0, 8, width=0, height=0)
    with pytest.raises(DamagedImage):
        probe(data)


@pytest.mark.parametrize(
    "data",
    [
        png(0, 8)[:33] + chunk(b"eXIf", TABLE) * 100,
        png(0, 8)[:33]
        + chunk(b"eXIf", TABLE[:4] + struct.pack("<I", 20 * 4095 - 4)) * 4095
        + TABLE[8:],
        png(0, 8)[:33] + chunk(b"tEXt", b"") * MIB,
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)
