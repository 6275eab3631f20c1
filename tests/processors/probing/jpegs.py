"""JPEG files."""

import cv2

from tests.processors.probing.building import COLOUR, encoded, saved


def frame_at(data):
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def as_process(data, marker, precision=8):
    at = frame_at(data)
    return (
        data[: at + 1]
        + bytes((marker,))
        + data[at + 2 : at + 4]
        + bytes((precision,))
        + (data[at + 5 :])
    )


SCANS = 1000
"""More than are read."""


def with_empty_scans(data):
    """`data` with scans of one component behind its own, from its second coefficient on."""
    return data[:-2] + b"\xff\xda\0\x08\1\1\0\1\x3f\0" * SCANS + data[-2:]


def without_scan(data):
    return data[: data.index(b"\xff\xda")] + data[-2:]


IMAGES = {
    **{f"jpeg {mode}": saved("JPEG", mode) for mode in ("1", "L", "RGB", "CMYK", "YCbCr")},
    "jpeg progressive": saved("JPEG", "RGB", progressive=True),
    "jpeg progressive CMYK": saved("JPEG", "CMYK", progressive=True),
    "jpeg with restarts": encoded(".jpg", COLOUR, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "jpeg with a profile": saved("JPEG", "RGB", icc_profile=bytes(100_000), comment=b"hello"),
}
