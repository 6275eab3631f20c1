"""Probing of GIF."""

import pytest

from processors.errors import DamagedImage
from processors.probing import probe
from tests.processors.probing.building import MIB, assert_refused_at_once


def test_an_image_without_pixels_is_damaged():
    data = b"GIF89a" + bytes(7) + b";"
    with pytest.raises(DamagedImage):
        probe(data)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + b"\1\1" * 8 * MIB,
        b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + (b"\xff" + bytes(255)) * 65536,
        b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * 4 * MIB,
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)
