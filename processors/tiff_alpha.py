"""The alpha of a TIFF, beside colours that are not multiplied by it, as other formats have them.

Source: TIFF 6.0, section 18 (ExtraSamples). libtiff multiplies colours of 8 bits by an alpha that
is declared as apart from them, which loses what is hardly seen; of an alpha of which the file says
nothing it leaves them alone, as OpenCV's own reader of 16 bits always does.
"""

import cv2

from processors.alpha import full_scale
from processors.bands import in_bands
from processors.operation import Image, channels_of
from processors.probing.ifd import only_short

_EXTRA_SAMPLES = 338
_MULTIPLIED, _APART = 1, 2


def left_apart(data: bytes) -> tuple[bytes, bool]:
    """The TIFF `data` in a form of which no reader multiplies the colours, and whether they are
    multiplied in the file itself. Raises DamagedImage or struct.error."""
    value, at = only_short(data, _EXTRA_SAMPLES) or (0, 0)
    if value == _APART:
        data = data[:at] + b"\0\0" + data[at + 2 :]
    return data, value == _MULTIPLIED


def divided(image: Image) -> Image:
    """`image`, BGRA with colours multiplied by alpha, with plain ones; black where alpha is 0."""
    return in_bands(image, _divided) if channels_of(image) == 4 else image


def _divided(band: Image) -> Image:
    weight = cv2.cvtColor(cv2.extractChannel(band, 3), cv2.COLOR_GRAY2BGRA)
    return cv2.divide(band, weight, scale=full_scale(band))  # type: ignore[return-value]
