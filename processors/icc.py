"""ICC profiles of a matrix and curves, and of gray, at 16 bits.

Source: ICC.1:2022, sections 8.3 (the model), 10.6 (`curv`), 10.18 (`para`) and 10.31 (`XYZ`);
IEC 61966-2-1 for the curve of sRGB.
"""

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]
"""Light, 0 to 1, of each of the 65,536 values."""

_LEVELS = 65_536
_MAX_TAGS = 256
_MAX_CURVE = 65_536
_FIXED = 65_536  # s15Fixed16Number

# Of `para`, by function type: how many parameters, and which each of g a b c d e f is (None is 0).
_PARAMETERS = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}

# sRGB's colorants, adapted to D50 (columns red, green, blue): of the ICC's own sRGB profile.
_SRGB_TO_XYZ = np.array(
    [
        [0.436066, 0.385147, 0.143066],
        [0.222488, 0.716873, 0.060608],
        [0.013916, 0.097076, 0.714096],
    ]
)


@dataclass(frozen=True, slots=True)
class Shaper:
    """`matrix` from linear B, G, R to that of sRGB; `curves` in the same order, one for gray."""

    matrix: NDArray[np.float64]
    curves: tuple[Curve, ...]

    def to_srgb(self, rows: NDArray[Any]) -> NDArray[Any]:
        """(H, W, 3) uint16 BGR in sRGB; what is out of its gamut is clipped."""
        linear = np.dstack([curve[rows[..., at]] for at, curve in enumerate(self.curves)])
        return _encoded(cv2.transform(linear, self.matrix))

    def gray_table(self) -> NDArray[np.uint16] | None:
        """The gray of sRGB for each of the 65,536 values; None for a profile of colour."""
        return _encoded(self.curves[0]) if len(self.curves) == 1 else None


def shaper_of(profile: bytes) -> Shaper | None:
    """The matrix and the curves of a profile; None when it has tables instead, or is broken."""
    try:
        tags = _tags(profile)
        if profile[16:20] == b"GRAY":
            return Shaper(np.eye(1), (_curve(tags[b"kTRC"]),))
        if profile[16:20] != b"RGB " or profile[20:24] != b"XYZ " or b"A2B0" in tags:
            return None
        colorants = np.array([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
        curves = tuple(_curve(tags[name]) for name in (b"bTRC", b"gTRC", b"rTRC"))
    except (KeyError, ValueError, struct.error):
        return None
    matrix = np.linalg.inv(_SRGB_TO_XYZ) @ colorants
    return Shaper(np.ascontiguousarray(matrix[::-1, ::-1]), curves)


def _encoded(light: NDArray[Any]) -> NDArray[np.uint16]:
    light = np.clip(light, 0, 1)
    curved = 1.055 * np.power(light, 1 / 2.4) - 0.055
    values = np.where(light <= 0.0031308, 12.92 * light, curved)
    levels: NDArray[np.uint16] = np.rint(values * (_LEVELS - 1)).astype(np.uint16)
    return levels


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * i) for i in range(count))
    if count > _MAX_TAGS:
        raise ValueError("too many tags")
    return {name: profile[start : start + length] for name, start, length in entries}


def _xyz(tag: bytes) -> list[float]:
    kind, *numbers = struct.unpack_from(">4s4x3i", tag)
    if kind != b"XYZ ":
        raise ValueError("no colorant")
    return [number / _FIXED for number in numbers]


def _curve(tag: bytes) -> Curve:
    values = np.linspace(0, 1, _LEVELS)
    if tag.startswith(b"para"):
        return _parametric(tag, values)
    kind, count = struct.unpack_from(">4s4xI", tag)
    if kind != b"curv" or count > _MAX_CURVE:
        raise ValueError("no curve")
    if count == 0:
        return values.astype(np.float32)
    points = np.array(struct.unpack_from(f">{count}H", tag, 12))
    if count == 1:
        return (values ** float(points[0] / 256)).astype(np.float32)
    return np.interp(values, np.linspace(0, 1, count), points / (_LEVELS - 1)).astype(np.float32)


def _parametric(tag: bytes, values: NDArray[np.float64]) -> Curve:
    """(a x + b)^g + e from the breakpoint on, c x + f below it; types 1 and 2 say less."""
    (kind,) = struct.unpack_from(">8xH", tag)
    if kind not in _PARAMETERS:
        raise ValueError("no curve")
    names = _PARAMETERS[kind]
    numbers = struct.unpack_from(f">{len(names)}i", tag, 12)
    p = {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0, "e": 0.0, "f": 0.0}
    p |= {name: number / _FIXED for name, number in zip(names, numbers, strict=True)}
    if kind in (1, 2):  # the break is where the base becomes 0, and c is added on both sides
        if p["a"] == 0:
            raise ValueError("no curve")
        p |= {"d": -p["b"] / p["a"], "e": p["c"], "f": p["c"], "c": 0.0}
    power = np.maximum(p["a"] * values + p["b"], 0) ** p["g"] + p["e"]
    light = np.where(values >= p["d"], power, p["c"] * values + p["f"])
    limited: Curve = np.clip(light, 0, 1).astype(np.float32)
    return limited
