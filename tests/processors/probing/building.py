"""What the images of all formats are made of, and what decoding makes of them."""

import io
import time

import cv2
import numpy as np
from PIL import Image

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import probe

MIB = 1 << 20
WIDTH, HEIGHT = 22, 14
PIXELS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
COLOUR = np.ascontiguousarray(PIXELS[..., :3])
GRAY = np.ascontiguousarray(PIXELS[..., 0])
DEEP = PIXELS.astype(np.uint16) * 257


def encoded(extension, pixels, *parameters):
    return cv2.imencode(extension, np.ascontiguousarray(pixels), parameters)[1].tobytes()


def picture(mode):
    if mode == "I;16":
        return Image.fromarray(DEEP[..., 0].copy())
    if mode == "I":
        return Image.fromarray(GRAY.astype(np.int32))
    if mode == "F":
        return Image.fromarray(GRAY.astype(np.float32))
    return Image.fromarray(PIXELS).convert(mode)


def saved(kind, mode, **options):
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def exif_of(orientation):
    exif = Image.Exif()
    exif[271] = "a maker whose name is longer than four bytes"
    exif[274] = orientation
    return exif.tobytes()


def decoded(data, flags=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def assert_describes(header, pixels):
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    assert (header.height, header.width) == pixels.shape[:2]
    assert header.channels == channels
    assert pixels.dtype == {8: np.uint8, 16: np.uint16}[header.bit_depth]


def outcome(data):
    try:
        return probe(data)
    except (DamagedImage, UnsupportedFormat) as error:
        return error


def assert_refused_at_once(data):
    start = time.perf_counter()
    assert isinstance(outcome(data), DamagedImage | UnsupportedFormat)
    assert time.perf_counter() - start < 0.1
