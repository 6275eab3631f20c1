"""Image files that the tests of decoding, planning and running share."""

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from processors.encoding import EncodeOptions, encode
from processors.limits import Limits
from processors.operation import Image
from processors.orientation import Orient
from processors.pipeline import Processed, Runner
from processors.plan import Pipeline, Plan
from processors.planner import plan
from processors.probing import Header, ImageFormat
from processors.registry import registry

JPEG = Header("jpeg", 800, 600, 3, 8, 1, False)
PNG = replace(JPEG, format="png")

EXIF_ORIENTATION = 274

UNDOING = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
"""The orientation that undoes each: only the two quarter turns differ from their own inverse."""


def file_of(image: Image, format: ImageFormat = "png", **options: Any) -> bytes:
    """`image` as a file, written by the project's own encoder."""
    return encode(image, format, EncodeOptions(**options))


def pixels_of(data: bytes) -> Image:
    """What OpenCV reads from a file, as it is there; the tests' own reading, without ours."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found  # type: ignore[return-value]


def oriented(upright: Image, orientation: int, kind: str = "JPEG") -> bytes:
    """A file, written by Pillow, whose viewers show `upright` though it is stored otherwise."""
    stored = Orient(UNDOING[orientation]).apply(upright)
    rgb = np.ascontiguousarray(stored[..., ::-1] if stored.ndim == 3 else stored)
    exif = Pillow.Exif()
    exif[EXIF_ORIENTATION] = orientation
    by_kind: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0, "exif": exif},
        "PNG": {"exif": exif},
        "WEBP": {"exif": exif, "lossless": True},
        "AVIF": {"exif": exif, "quality": 95, "subsampling": "4:4:4"},
        "TIFF": {"tiffinfo": {EXIF_ORIENTATION: orientation}},
    }
    buffer = io.BytesIO()
    Pillow.fromarray(rgb).save(buffer, kind, **by_kind[kind])
    return buffer.getvalue()


def png(width: int, height: int, rows: int) -> bytes:
    """A PNG whose header states `height` and whose data hold `rows`, all black."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes((1 + 3 * width) * rows))
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pipeline(*texts: str, **settings: Any) -> Pipeline:
    steps = tuple((at, registry().parse(text)) for at, text in enumerate(texts))
    return Pipeline(steps, **settings)


def planned(
    *texts: str,
    header: Header = JPEG,
    format: ImageFormat = "png",
    limits: Limits | None = None,
    **settings: Any,
) -> Plan:
    """The plan for an image with `header`, which need not exist."""
    return plan(pipeline(*texts, **settings), header, format, limits or Limits())


def run(data: bytes, *texts: str, **settings: Any) -> Processed:
    """`data` through the operations, to PNG."""
    return Runner(pipeline(*texts, **settings), Limits()).run(data, "result.png")


def run_pixels(data: bytes, *texts: str, **settings: Any) -> list[Image]:
    return [pixels_of(result.data) for result in run(data, *texts, **settings).images]
