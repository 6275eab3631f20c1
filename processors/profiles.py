"""Colours by an ICC profile to sRGB: relative colorimetric, with black point compensation.

8 bits are converted by LittleCMS, which Pillow brings. It does not take 16 bits: those are
converted here when the profile is a matrix with curves, or is gray; by any other profile with the
precision of 8 bits.
"""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from processors.bands import in_bands
from processors.errors import DamagedImage, OutOfMemory
from processors.icc import Shaper, shaper_of
from processors.operation import Image, Size, channels_of, size_of

Space = Literal["RGB", "GRAY", "CMYK"]

_MODES: dict[Space, Literal["RGB", "L", "CMYK"]] = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_SPACES: dict[bytes, Space] = {b"RGB ": "RGB", b"GRAY": "GRAY", b"CMYK": "CMYK"}
_SRGB = ImageCms.createProfile("sRGB")
_SAMPLES = 9  # a side of the cube of colours that tell whether a profile is sRGB
_ROUNDING = 1
_MAX_CACHED = 32

_conversions: dict[bytes, "Conversion | None"] = {}


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the colours of one profile to sRGB; `space` is what it describes."""

    space: Space
    transform: ImageCms.ImageCmsTransform
    shaper: Shaper | None

    def apply(self, image: Image) -> Image:
        """`image`, (H, W[, C]) uint8 or uint16, in sRGB, alpha as it is.

        Colours that the profile is not for stay as they are.
        """
        channels = channels_of(image)
        if self.space == "GRAY":
            return self._gray(image)
        if self.space == "CMYK" or channels == 1:
            return image
        change = self._deep if image.dtype == np.uint16 else self._shallow
        return in_bands(image, lambda rows: _beside_alpha(rows, change))

    def decode_cmyk(self, data: bytes, size: Size) -> Image:
        """The CMYK JPEG `data` as (H, W, 3) uint8 BGR in sRGB; `size` is its own, or reduced to
        1/2, 1/4 or 1/8. Raises DamagedImage and OutOfMemory."""
        try:
            # Not by `Image.open`, which has a limit of pixels of its own.
            with JpegImageFile(BytesIO(data)) as file:
                file.draft("CMYK", size)
                picture = ImageCms.applyTransform(file, self.transform)
        except MemoryError:
            raise OutOfMemory("decoding needs more memory than a worker may use") from None
        except Exception as error:  # noqa: BLE001 - broken data lead Pillow to errors of any kind
            raise DamagedImage(f"the jpeg image is damaged or truncated: {error}") from None
        image = cast(Image, cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))
        if size_of(image) == size:
            return image
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def _gray(self, image: Image) -> Image:
        """By a table; the three equal channels of gray with alpha go through it one by one."""
        table = self._deep_table() if image.dtype == np.uint16 else self._table()
        converted: Image = table[image]
        if channels_of(image) == 4:
            converted[..., 3] = image[..., 3]
        return converted

    def _table(self) -> NDArray[np.uint8]:
        ramp = Pillow.fromarray(np.arange(256, dtype=np.uint8).reshape(1, 256))
        return np.asarray(ImageCms.applyTransform(ramp, self.transform))[0, :, 1]

    def _deep_table(self) -> NDArray[np.uint16]:
        table = self.shaper.gray_table() if self.shaper else None
        if table is not None:
            return table
        levels = np.interp(np.arange(65_536) / 257, np.arange(256), self._table())
        return np.rint(levels * 257).astype(np.uint16)

    def _shallow(self, rows: NDArray[Any]) -> NDArray[Any]:
        height, width = rows.shape[:2]
        picture = Pillow.frombytes("RGB", (width, height), rows.tobytes(), "raw", "BGR")
        ImageCms.applyTransform(picture, self.transform, inPlace=True)
        return np.frombuffer(picture.tobytes("raw", "BGR"), np.uint8).reshape(rows.shape)

    def _deep(self, rows: NDArray[Any]) -> NDArray[Any]:
        if self.shaper is not None:
            return self.shaper.to_srgb(rows)
        shallow = cv2.convertScaleAbs(rows, alpha=1 / 257)
        return self._shallow(shallow).astype(np.uint16) * np.uint16(257)


def conversion_of(profile: bytes) -> Conversion | None:
    """The conversion by an ICC profile; None when it changes nothing, or cannot be used."""
    key = sha256(profile).digest()
    if key not in _conversions:
        if len(_conversions) >= _MAX_CACHED:
            _conversions.clear()
        _conversions[key] = _built(profile)
    return _conversions[key]


def _built(profile: bytes) -> Conversion | None:
    space = _SPACES.get(profile[16:20])
    if space is None:
        return None
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            _SRGB,
            _MODES[space],
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    conversion = Conversion(space, transform, shaper_of(profile))
    return None if space != "CMYK" and _changes_nothing(conversion) else conversion


def _changes_nothing(conversion: Conversion) -> bool:
    """Whether a cube of colours, or all grays, stay within the rounding: such a profile is sRGB."""
    colours: Image = np.arange(256, dtype=np.uint8).reshape(1, 256)
    if conversion.space != "GRAY":
        steps = np.linspace(0, 255, _SAMPLES).astype(np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return int(cv2.absdiff(conversion.apply(colours), colours).max()) <= _ROUNDING


def _beside_alpha(rows: NDArray[Any], change: Any) -> NDArray[Any]:
    if channels_of(rows) == 3:
        return change(rows)  # type: ignore[no-any-return]
    colour = change(cv2.cvtColor(rows, cv2.COLOR_BGRA2BGR))
    return np.dstack([colour, rows[..., 3]])
