"""The alpha of TIFF: plain colours, whatever the file says about them."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from processors.alpha import joined
from processors.decoding import DecodeMode, decode
from processors.operation import Image
from processors.probing import probe
from tests.samples import photograph

EXTRA_SAMPLES = struct.pack("<HHI", 338, 3, 1)
PLAIN = joined(photograph(40, 30), np.tile(np.arange(5, 205, 5, dtype=np.uint8), (30, 1)))


def tiff(image: Image, kind: int) -> bytes:
    """`image` (BGRA) as it is, declared as `kind` of ExtraSamples."""
    file = io.BytesIO()
    Pillow.fromarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)).save(file, "TIFF")
    data = bytearray(file.getvalue())
    at = data.index(EXTRA_SAMPLES) + len(EXTRA_SAMPLES)
    struct.pack_into("<H", data, at, kind)
    return bytes(data)


def read(data: bytes) -> Image:
    return decode(data, probe(data), DecodeMode())


@pytest.mark.parametrize("kind", [0, 2])
def test_colours_apart_from_alpha_are_read_as_they_are(kind: int) -> None:
    np.testing.assert_array_equal(read(tiff(PLAIN, kind)), PLAIN)


def test_colours_multiplied_by_alpha_are_divided() -> None:
    alpha = PLAIN[..., 3:].astype(float)
    multiplied = PLAIN.copy()
    multiplied[..., :3] = np.rint(PLAIN[..., :3] * alpha / 255)
    lost = 0.5 + 127.5 / alpha  # by rounding, before and after
    found = read(tiff(multiplied, 1))
    np.testing.assert_array_equal(found[..., 3], PLAIN[..., 3])
    assert (np.abs(found.astype(float) - PLAIN) <= lost + 1e-9).all()


def test_what_is_wholly_transparent_is_black() -> None:
    assert not read(tiff(np.zeros((4, 4, 4), np.uint8), 1)).any()
