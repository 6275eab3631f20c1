"""Probing of AVIF."""

import io
import struct

import pytest
from PIL import Image

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import Header, probe, sniff
from tests.processors.probing.avifs import FTYP, PITM, box, grid
from tests.processors.probing.building import MIB, assert_refused_at_once, exif_of, saved


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("axis", range(2))
def test_avif_turns_and_mirrors_are_told_as_another_reader_tells_them(turns, axis):
    data = bytearray(saved("AVIF", "RGB", exif=exif_of(7)))
    data[data.index(b"irot") + 4], data[data.index(b"imir") + 4] = turns, axis
    told = Image.open(io.BytesIO(data)).getexif().get(274, 1)
    assert probe(bytes(data)).orientation == told


def test_an_avif_is_known_by_its_compatible_brands():
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif") == "avif"


def test_an_avif_of_gray_with_alpha_is_unsupported():
    data = bytearray(saved("AVIF", "RGBA"))
    data[data.index(b"av1C") + 6] |= 0x10  # the first is that of the colours: now of one
    with pytest.raises(UnsupportedFormat, match="gray with alpha"):
        probe(bytes(data))


@pytest.mark.parametrize("size", [2, 7, 0xFFFFFFFF])
def test_a_box_that_does_not_fit_is_damage(size):
    with pytest.raises(DamagedImage):
        probe(FTYP + struct.pack(">I4s", size, b"meta") + bytes(64))


def test_a_box_of_endless_length_is_damage():
    with pytest.raises(DamagedImage):
        probe(FTYP + struct.pack(">I4sQ", 1, b"meta", 2**64 - 1) + bytes(64))


@pytest.mark.parametrize("wide", [False, True])
def test_an_avif_grid_has_the_depth_of_its_tiles_and_its_own_sides(wide):
    assert probe(grid(wide=wide)) == Header("avif", 800, 600, 4, 16, 6, False, unused_bits=6)


@pytest.mark.parametrize(
    "data",
    [
        FTYP + box(b"free", b"") * MIB,
        FTYP + box(b"meta", bytes(4) + box(b"free", b"") * MIB),
        FTYP + box(b"meta", bytes(4) + PITM + box(b"iprp", box(b"ipco", b"") * MIB)),
        FTYP
        + box(
            b"meta",
            bytes(4)
            + PITM
            + box(b"iref", bytes(4) + box(b"auxl", b"\0\2\xff\xff" + b"\0\1" * 8000) * 1000)
            + box(b"iprp", box(b"ipco", b"") + box(b"ipma", bytes(4) + b"\xff" * 4 + bytes(MIB))),
        ),
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    assert_refused_at_once(data)
