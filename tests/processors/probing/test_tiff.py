"""Probing of TIFF."""

import struct

import pytest

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import probe
from tests.processors.probing.building import (
    HEIGHT,
    WIDTH,
    assert_describes,
    assert_refused_at_once,
    decoded,
    saved,
)
from tests.processors.probing.tiffs import tiff


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_tiff_is_decoded_upright_so_nothing_is_left_to_apply(bits, orientation):
    data = tiff(bits=bits, orientation=orientation)
    assert probe(data).orientation == 1
    assert_describes(probe(data), decoded(data))


def test_a_directory_that_follows_itself_is_read_once():
    data = tiff()
    looped = data[:-4] + struct.pack("<I", 8 + WIDTH * HEIGHT)
    assert probe(looped) == probe(data)


@pytest.mark.parametrize(
    "data",
    [
        tiff(bits=2),
        tiff(bits=4),
        tiff(bits=32),
        tiff(bits=32, t339=[3]),
        tiff(bits=16, t339=[2]),
        tiff(samples=5, photometric=2),
        tiff(samples=2, photometric=2),
        tiff(photometric=32844, bits=16),
        saved("TIFF", "I"),
        saved("TIFF", "F"),
    ],
)
def test_a_variant_that_does_not_decode_to_8_or_16_bits_is_unsupported(data):
    with pytest.raises(UnsupportedFormat):
        probe(data)


def test_an_image_without_pixels_is_damaged():
    data = tiff(t256=[0])
    with pytest.raises(DamagedImage):
        probe(data)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<2sHIH", b"II", 42, 8, 0xFFFF) + bytes(12 * 0xFFFF),
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)
