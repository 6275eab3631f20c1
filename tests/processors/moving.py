"""Animated files that tests make, and what Pillow reads from a file."""

import struct
import zlib
from io import BytesIO
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from processors.operation import Image

Frame = NDArray[np.uint8]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GIF_RED, GIF_GREEN, GIF_NOTHING = 0, 1, 5
COLOURS = [(200, 30, 40), (20, 180, 60), (30, 60, 220), (240, 220, 10)]


class Shown(NamedTuple):
    """What Pillow shows: frames (H, W, 4) BGRA, milliseconds, and `loop` as the file has it."""

    frames: list[Frame]
    durations: list[int]
    loop: int | None


def squares(background: tuple[int, ...], count: int = 4) -> list[Image]:
    """Frames of 60 by 40 with a square of its own colour at each place, of few colours."""
    frames: list[Image] = []
    for at in range(count):
        frame = np.empty((40, 60, len(background)), np.uint8)
        frame[:] = background
        colour = COLOURS[at % len(COLOURS)]
        frame[8 : 20 + at % 4, at * 11 % 48 : at * 11 % 48 + 12] = (*colour, 255)[: len(background)]
        frames.append(frame)
    return frames


def animated(frames: list[Image], kind: str = "GIF", **options: Any) -> bytes:
    """An animation by Pillow; lossless, 50 milliseconds a frame unless told otherwise."""
    pictures = [_rgb(frame) for frame in frames]
    options = {"duration": 50, "lossless": True} | options
    if kind != "WEBP":
        del options["lossless"]
    buffer = BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], **options)
    return buffer.getvalue()


def shown(data: bytes) -> Shown:
    frames, durations = [], []
    with Pillow.open(BytesIO(data)) as file:
        for index in range(getattr(file, "n_frames", 1)):
            file.seek(index)
            frames.append(cv2.cvtColor(np.array(file.convert("RGBA")), cv2.COLOR_RGBA2BGRA))
            durations.append(round(file.info.get("duration") or 0))
        return Shown(frames, durations, file.info.get("loop"))  # type: ignore[arg-type]


def with_alpha(image: Image) -> Frame:
    """BGRA."""
    return image if image.shape[2] == 4 else cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)  # type: ignore[return-value]


def same(found: list[Any], expected: list[Any], tolerance: int = 0) -> bool:
    """Whether frames are as many and alike where they can be seen, and clear in the same places."""
    return len(found) == len(expected) and all(
        _alike(with_alpha(one), with_alpha(other), tolerance)
        for one, other in zip(found, expected, strict=True)
    )


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def apng(*frames: tuple[tuple[int, int, int, int], int, int, bytes], **told: int) -> bytes:
    """An RGBA APNG of 8 by 8 by hand. A frame: (x, y, width, height), disposal, blending, colour.

    `told["count"]` is what the header says instead of the number of frames; with `still=1` the
    first picture, all white, is none of the animation.
    """
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 6, 0, 0, 0))]
    parts.append(chunk(b"acTL", struct.pack(">II", told.get("count", len(frames)), 2)))
    if told.get("still"):
        parts.append(chunk(b"IDAT", _rows(8, 8, b"\xff" * 4)))
    number = 0
    for index, ((x, y, width, height), disposal, blending, colour) in enumerate(frames):
        control = (number, width, height, x, y, 7, 100, disposal, blending)
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        number += 1
        if index == 0 and not told.get("still"):
            parts.append(chunk(b"IDAT", _rows(width, height, colour)))
        else:
            body = struct.pack(">I", number) + _rows(width, height, colour)
            parts.append(chunk(b"fdAT", body))
            number += 1
    return PNG_SIGNATURE + b"".join(parts) + chunk(b"IEND", b"")


def deep_apng(frames: list[Image]) -> bytes:
    """An APNG of colour with 16 bits a sample, by hand; frames (H, W, 3) or (H, W, 4) uint16."""
    height, width, channels = frames[0].shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    for index, frame in enumerate(frames):
        number = max(2 * index - 1, 0)
        control = (number, width, height, 0, 0, 7, 100, 0, 0)
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        samples = frame[..., [2, 1, 0, 3][:channels]].astype(">u2")
        pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in samples))
        first = chunk(b"IDAT", pixels)
        parts.append(chunk(b"fdAT", struct.pack(">I", number + 1) + pixels) if index else first)
    return PNG_SIGNATURE + b"".join(parts) + chunk(b"IEND", b"")


def gif(*frames: tuple[tuple[int, int, int, int], int, int]) -> bytes:
    """A GIF of 8 by 8 by hand. A frame: (x, y, width, height), disposal, colour index."""
    palette = bytes([255, 0, 0, 0, 255, 0]).ljust(3 * 128, b"\0")
    data = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0xF6, 0, 0) + palette
    for (x, y, width, height), disposal, index in frames:
        data += b"\x21\xf9\x04" + struct.pack("<BHBB", disposal << 2 | 1, 5, GIF_NOTHING, 0)
        data += b"\x2c" + struct.pack("<HHHHB", x, y, width, height, 0)
        # Codes of 8 bits: clear the table, the pixels, the end; too few for the codes to grow.
        codes = bytes([0x80, *[index] * (width * height), 0x81])
        data += b"\x07" + bytes([len(codes)]) + codes + b"\0"
    return data + b";"


def _rows(width: int, height: int, colour: bytes) -> bytes:
    return zlib.compress((b"\0" + colour * width) * height)


def _rgb(frame: Image) -> Pillow.Image:
    turned = cv2.COLOR_BGRA2RGBA if frame.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return Pillow.fromarray(cv2.cvtColor(frame, turned))


def _alike(one: Frame, other: Frame, tolerance: int) -> bool:
    if one.shape != other.shape or not np.array_equal(one[..., 3] > 127, other[..., 3] > 127):
        return False
    seen = other[..., 3] > 127
    return bool(np.all(cv2.absdiff(one, other)[seen] <= tolerance))
