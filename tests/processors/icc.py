"""ICC profiles that the tests build themselves, byte by byte.

Source: ICC.1:2010 (profile version 4.3), sections 7 to 10; the colorants are those that Adobe RGB
(1998) and Display P3 state, adapted to D50.
"""

import struct
from itertools import product

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)

_D50 = (0.9642, 1.0, 0.8249)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def adobe_rgb() -> bytes:
    return _matrix_profile(ADOBE_RGB, _gamma(563 / 256))


def display_p3() -> bytes:
    return _matrix_profile(DISPLAY_P3, _parametric(3, *_SRGB_CURVE))


def gray(gamma: float) -> bytes:
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def adobe_rgb_by_table(padding: int = 0) -> bytes:
    """Its curve as 1,024 points; `padding` bytes more make the profile large."""
    curve = struct.pack(
        ">4s4xI1024H", b"curv", 1024, *(round((i / 1023) ** 2.2 * 65535) for i in range(1024))
    )
    return _matrix_profile(ADOBE_RGB, curve, bytes(padding))


def cmyk() -> bytes:
    """Inks that multiply: L* falls with each, cyan, magenta and yellow move a* and b*."""
    grid = b"".join(_lab(*inks) for inks in product((0, 1), repeat=4))
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    ramp = bytes(range(256))
    table = struct.pack(">4s4x4B", b"mft1", 4, 3, 2, 0) + identity + ramp * 4 + grid + ramp * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table}, kind=b"prtr")


def _lab(cyan: int, magenta: int, yellow: int, key: int) -> bytes:
    light = 255 * (1 - 0.3 * cyan) * (1 - 0.4 * magenta) * (1 - 0.1 * yellow) * (1 - key)
    chroma = 1 - key
    a = 128 + chroma * (70 * magenta - 40 * cyan)
    b = 128 + chroma * (90 * yellow - 45 * cyan - 5 * magenta)
    return bytes(max(0, min(255, round(value))) for value in (light, a, b))


def _matrix_profile(
    colorants: tuple[tuple[float, ...], ...], curve: bytes, padding: bytes = b""
) -> bytes:
    tags = {
        name: _xyz(each) for name, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    }
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"RGB ", b"XYZ ", tags | curves | ({b"pad ": padding} if padding else {}))


def _profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    described = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", 8, 28)
    text = described + "Test".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz(_D50)} | tags
    start, body, table = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s28x3i48x",
        start + len(body),
        bytes(4),
        0x04300000,
        kind,
        space,
        pcs,
        bytes(12),
        b"acsp",
        *_fixed(*_D50),
    )
    return header + struct.pack(">I", len(tags)) + table + body


def _xyz(numbers: tuple[float, ...]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *_fixed(*numbers))


def _gamma(value: float) -> bytes:
    return struct.pack(">4s4xIH2x", b"curv", 1, round(value * 256))


def _parametric(kind: int, *numbers: float) -> bytes:
    return struct.pack(f">4s4xH2x{len(numbers)}i", b"para", kind, *_fixed(*numbers))


def _fixed(*numbers: float) -> list[int]:
    return [round(number * 65536) for number in numbers]
