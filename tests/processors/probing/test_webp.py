"""Probing of WebP."""

import pytest

from tests.processors.probing.building import MIB, assert_refused_at_once


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x08" + bytes(9) + b"ANMF\0\0\0\0" * MIB,
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)
