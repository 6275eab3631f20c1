"""Probing of BMP."""

import pytest

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import probe
from tests.processors.probing.bmps import bmp


@pytest.mark.parametrize(
    "data",
    [
        bmp(2),
        bmp(24, compression=4),
        bmp(16, compression=3, masks=(0xF00, 0xF0, 0xF)),
        bmp(24, size=16),
    ],
)
def test_a_variant_that_does_not_decode_to_8_or_16_bits_is_unsupported(data):
    with pytest.raises(UnsupportedFormat):
        probe(data)


def test_an_image_without_pixels_is_damaged():
    data = bmp(24, height=0)
    with pytest.raises(DamagedImage):
        probe(data)
