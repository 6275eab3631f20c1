"""Pixels to bytes."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from processors.alpha import flatten, full_scale
from processors.colours import Color, bgr
from processors.embedding import Policy, written
from processors.errors import EncodeError, OutOfMemory
from processors.formats import FORMAT_BY_EXTENSION, FORMAT_TRAITS, FormatTraits, format_of_path
from processors.metadata import Metadata
from processors.native_messages import NativeMessages
from processors.opencv_errors import lacks_memory, reason_of
from processors.operation import Image, Size, channels_of, size_of
from processors.probing import ImageFormat

_LOSSLESS_WEBP = 101
_LOSSLESS_AVIF = 100
_SAMPLING = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}


def by_extension(value: Any) -> Any:
    """The format that an extension, in any case, stands for; anything else as it is."""
    return FORMAT_BY_EXTENSION.get(value.lower(), value) if isinstance(value, str) else value


def _canonical(value: Any) -> Any:
    if value == "auto":
        raise ValueError("auto is decided by the Accept header, so it is for /v1/process alone")
    return by_extension(value)


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
    chroma_subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] | None = Field(
        None,
        description="JPEG: 4:4:4 keeps the colour of every pixel, 4:2:2 that of two together, "
        "4:2:0, the default, of four.",
    )
    speed: int | None = Field(
        None, ge=0, le=10, description="AVIF: 0 is the smallest file, 10 the fastest; by default 9."
    )
    background: Color = Field(
        Color("white"),
        description="What transparent pixels are laid onto, for formats with no alpha.",
    )
    max_bytes: int | None = Field(
        None,
        ge=1,
        description="The most that a result may have. JPEG, WebP and AVIF: the best quality that "
        "fits is searched for, from `quality` down. Others, and lossless ones, fail when larger.",
    )
    metadata: Policy = Field(
        "strip",
        description="strip: none, colours converted to sRGB. keep: EXIF, XMP and the colour "
        "profile, in JPEG, PNG, WebP, AVIF and TIFF, colours as they are. copyright: as strip, but "
        "with the EXIF tags Artist and Copyright.",
    )

    def parameters(self, format: ImageFormat) -> list[int]:
        """The `params` of `cv2.imencode`."""
        quality = self.quality or FORMAT_TRAITS[format].quality or 0
        match format:
            case "jpeg":
                progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1] if self.progressive else []
                sampling = _option(
                    cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING.get(self.chroma_subsampling or "")
                )
                return [cv2.IMWRITE_JPEG_QUALITY, quality, *progressive, *sampling]
            case "webp":
                return [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS_WEBP if self.lossless else quality]
            case "avif":
                quality = _LOSSLESS_AVIF if self.lossless else quality
                speed = _option(cv2.IMWRITE_AVIF_SPEED, self.speed)
                return [cv2.IMWRITE_AVIF_QUALITY, quality, *speed]
            case "png" if self.compression is not None:
                return [cv2.IMWRITE_PNG_COMPRESSION, self.compression]
            case _:
                return []

    def format_for(self, path: str | None, otherwise: ImageFormat) -> ImageFormat:
        """The format of a result for `path`; `otherwise` when neither says. Raises EncodeError."""
        if self.format is not None:
            return self.format
        return otherwise if path is None else format_of_path(path)


def _option(name: int, value: int | None) -> list[int]:
    return [] if value is None else [name, value]


class OpenCVDefaults(EncodeOptions):
    """What `cv2.imwrite` does when it is told nothing."""

    def parameters(self, format: ImageFormat) -> list[int]:
        return []


def encode(
    image: Image, format: ImageFormat, options: EncodeOptions, metadata: Metadata | None = None
) -> bytes:
    """The file for `image`, with those of `metadata` that the format can hold.

    Alpha is laid onto the background and 16 bits are rounded to 8 where the format cannot hold
    them. Raises EncodeError, also when `max_bytes` cannot be kept, and OutOfMemory.
    """
    check_side(format, size_of(image))
    try:
        image = _storable(image, format, FORMAT_TRAITS[format], bgr(options.background))
        return within(options, format, lambda options: _written(image, format, options, metadata))
    except MemoryError:
        raise OutOfMemory("encoding needs more memory than a worker may use") from None
    except cv2.error as error:
        if lacks_memory(error):
            raise OutOfMemory("encoding needs more memory than a worker may use") from None
        raise EncodeError(f"{format}: {reason_of(error)}") from None


def _written(
    image: Image, format: ImageFormat, options: EncodeOptions, metadata: Metadata | None
) -> bytes:
    parameters = options.parameters(format)
    if format != "avif":  # the others raise, with their reason
        done, data = _encoded(image, format, parameters, metadata)
    else:
        with NativeMessages() as messages:
            done, data = _encoded(image, format, parameters, metadata)
        if not done and messages.tell_no_memory:
            raise OutOfMemory("encoding needs more memory than a worker may use")
    if not done:
        raise EncodeError(f"{format}: the encoder refused the {size_of(image)} image")
    return data


def _encoded(
    image: Image, format: ImageFormat, parameters: list[int], metadata: Metadata | None
) -> tuple[bool, bytes]:
    """Whether it was done, and the file."""
    if metadata is not None and metadata != Metadata():
        return written(image, format, parameters, metadata)
    done, array = cv2.imencode(f".{FORMAT_TRAITS[format].extensions[0]}", image, parameters)
    return done, array.tobytes() if done else b""


def within(
    options: EncodeOptions, format: ImageFormat, write: Callable[[EncodeOptions], bytes]
) -> bytes:
    """What `write` gives at the best quality, up to that of `options`, that keeps `max_bytes`.

    It is found by bisection, so in eight trials at most. Raises EncodeError.
    """
    limit, data = options.max_bytes, write(options)
    if limit is None or len(data) <= limit:
        return data
    most, least = options.quality or FORMAT_TRAITS[format].quality, len(data)
    if most is None or (options.lossless and format in ("webp", "avif")):
        raise EncodeError(
            f"{format}: the result has {least} bytes, more than the {limit} of encode.max_bytes; "
            "make it smaller, or choose a format with a quality"
        )
    fitting, low, high = None, 1, most - 1
    while low <= high:
        middle = (low + high) // 2
        data = write(options.model_copy(update={"quality": middle}))
        least = min(least, len(data))
        if len(data) <= limit:
            fitting, low = data, middle + 1
        else:
            high = middle - 1
    if fitting is None:
        raise EncodeError(
            f"{format}: the result has {least} bytes at the least quality, more than the {limit} "
            "of encode.max_bytes; make it smaller"
        )
    return fitting


def check_side(format: ImageFormat, size: Size) -> None:
    """Raises EncodeError when a side is longer than the format can state."""
    limit = FORMAT_TRAITS[format].max_side
    if max(size) > limit:
        raise EncodeError(f"{format} holds sides of {limit} pixels at most, the result is {size}")


def _storable(
    image: Image, format: ImageFormat, traits: FormatTraits, background: tuple[int, int, int]
) -> Image:
    if not traits.deep and image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255 / full_scale(image))  # type: ignore[assignment]
    if not traits.alpha and channels_of(image) == 4:
        image = flatten(image, background)
    if format == "gif" and channels_of(image) == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # type: ignore[assignment]
    return image
