"""Pixels to bytes."""

from typing import Annotated, Any

import cv2
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from processors.alpha import flatten, full_scale
from processors.errors import EncodeError, OutOfMemory
from processors.formats import FORMAT_BY_EXTENSION, FORMAT_TRAITS, FormatTraits, format_of_path
from processors.operation import Image, Size, channels_of, size_of
from processors.probing import ImageFormat

_WHITE = (255, 255, 255)
_LOSSLESS_WEBP = 101
_LOSSLESS_AVIF = 100


def _canonical(value: Any) -> Any:
    return FORMAT_BY_EXTENSION.get(value.lower(), value) if isinstance(value, str) else value


OutputFormat = Annotated[ImageFormat, BeforeValidator(_canonical)]
"""A format by its name or by one of its extensions."""


class EncodeOptions(BaseModel):
    """How results are written. What a format does not have is left out of account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: OutputFormat | None = Field(
        None, description="Format of the results; by default the output's extension decides."
    )
    quality: int | None = Field(
        None,
        ge=1,
        le=100,
        description="JPEG, WebP and AVIF: 1 is the smallest file, 100 the best picture. By default "
        "90 for JPEG, 80 for WebP, 60 for AVIF.",
    )
    progressive: bool = Field(False, description="JPEG: in passes from coarse to fine.")
    lossless: bool = Field(False, description="WebP and AVIF: keep every pixel as it is.")
    compression: int | None = Field(
        None, ge=0, le=9, description="PNG: 0 is the fastest, 9 the smallest file."
    )

    def parameters(self, format: ImageFormat) -> list[int]:
        """The `params` of `cv2.imencode`."""
        quality = self.quality or FORMAT_TRAITS[format].quality or 0
        match format:
            case "jpeg":
                progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1] if self.progressive else []
                return [cv2.IMWRITE_JPEG_QUALITY, quality, *progressive]
            case "webp":
                return [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS_WEBP if self.lossless else quality]
            case "avif":
                return [cv2.IMWRITE_AVIF_QUALITY, _LOSSLESS_AVIF if self.lossless else quality]
            case "png" if self.compression is not None:
                return [cv2.IMWRITE_PNG_COMPRESSION, self.compression]
            case _:
                return []

    def format_for(self, path: str | None, otherwise: ImageFormat) -> ImageFormat:
        """The format of a result for `path`; `otherwise` when neither says. Raises EncodeError."""
        if self.format is not None:
            return self.format
        return otherwise if path is None else format_of_path(path)


class OpenCVDefaults(EncodeOptions):
    """What `cv2.imwrite` does when it is told nothing."""

    def parameters(self, format: ImageFormat) -> list[int]:
        return []


def encode(image: Image, format: ImageFormat, options: EncodeOptions) -> bytes:
    """The file for `image`.

    Alpha is laid onto white and 16 bits are rounded to 8 where the format cannot hold them.
    Raises EncodeError and OutOfMemory.
    """
    traits = FORMAT_TRAITS[format]
    check_side(format, size_of(image))
    try:
        image = _storable(image, format, traits)
        done, data = cv2.imencode(f".{traits.extensions[0]}", image, options.parameters(format))
    except MemoryError:
        raise OutOfMemory("encoding needs more memory than a worker may use") from None
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise OutOfMemory("encoding needs more memory than a worker may use") from None
        raise EncodeError(f"{format}: {error.err}") from None
    if not done:
        raise EncodeError(f"{format}: the encoder refused the {size_of(image)} image")
    return data.tobytes()


def check_side(format: ImageFormat, size: Size) -> None:
    """Raises EncodeError when a side is longer than the format can state."""
    limit = FORMAT_TRAITS[format].max_side
    if max(size) > limit:
        raise EncodeError(f"{format} holds sides of {limit} pixels at most, the result is {size}")


def _storable(image: Image, format: ImageFormat, traits: FormatTraits) -> Image:
    if not traits.deep and image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / full_scale(image))  # type: ignore[assignment]
    if not traits.alpha and channels_of(image) == 4:
        image = flatten(image, _WHITE)
    if format == "gif" and channels_of(image) == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # type: ignore[assignment]
    return image
