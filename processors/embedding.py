"""Writing metadata into results.

OpenCV writes them into JPEG, PNG, WebP and AVIF, but no XMP into JPEG, and nothing into TIFF.
Sources: as in `processors.metadata`.
"""

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from processors.metadata import EXIF_PREFIX, XMP_PREFIX, Metadata
from processors.operation import Image, channels_of
from processors.probing import ImageFormat
from processors.probing.ifd import BYTE, UNDEFINED

if TYPE_CHECKING:
    from PIL.Image import Exif

Policy = Literal["strip", "keep", "copyright"]

HOLDING: frozenset[ImageFormat] = frozenset(("jpeg", "png", "webp", "avif", "tiff"))
"""The formats that results with metadata can have."""

_ORIENTATION, _ARTIST, _COPYRIGHT = 0x0112, 0x013B, 0x8298
_EXIF_DIRECTORY, _STATED_SIZES = 0x8769, (0xA002, 0xA003)
_DIRECTORIES = (_EXIF_DIRECTORY, 0x8825)  # and that of GPS
_TIFF_XMP, _TIFF_PROFILE, _STRIPS, _TIFF_START = 700, 34675, 273, 8
# Where and how TIFF and EXIF files store pixels, thumbnails and blocks that are read by themselves.
_STRUCTURE = frozenset(
    (
        *range(254, 260),
        *(262, 263, 266, 273, *range(277, 282), 284, *range(288, 294)),
        *(301, *range(317, 326), 330, *range(338, 342), 347),
        *(*range(512, 522), *range(529, 533)),
        *(_TIFF_XMP, 33723, 34377, _TIFF_PROFILE),
    )
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:>|\s*=\s*[\"']))[2-8]")
_MAX_SEGMENT = 65_533


def kept(found: Metadata, policy: Policy) -> Metadata:
    """What of the metadata of an input belongs into its results, which stand upright."""
    if policy == "strip" or found == Metadata():
        return Metadata()
    if policy == "copyright":
        return Metadata(exif=_edited(found.exif, only=(_ARTIST, _COPYRIGHT)))
    xmp = found.xmp and _XMP_ORIENTATION.sub(rb"\g<1>1", found.xmp)
    return Metadata(_edited(found.exif), found.profile, xmp)


def written(
    image: Image, format: ImageFormat, parameters: list[int], metadata: Metadata
) -> tuple[bool, bytes]:
    """`cv2.imencode` of `image` with those metadata that the format can hold.

    A profile for other colours than the image has is left out. Raises cv2.error and MemoryError.
    """
    profile = metadata.profile if _fits(metadata.profile, image, format) else None
    chunks = {
        cv2.IMAGE_METADATA_EXIF: _short(metadata.exif, format, EXIF_PREFIX),
        cv2.IMAGE_METADATA_XMP: _xmp(metadata.xmp, format),
        cv2.IMAGE_METADATA_ICCP: profile,
    }
    kinds = [kind for kind, chunk in chunks.items() if chunk and format not in ("tiff", "gif")]
    done, data = cv2.imencodeWithMetadata(
        f".{format}", image, kinds, [_array(chunks[kind]) for kind in kinds], parameters
    )
    if not done:
        return False, b""
    encoded = data.tobytes()
    if format == "jpeg" and (xmp := _short(metadata.xmp, format, XMP_PREFIX)):
        return True, _with_segment(encoded, XMP_PREFIX + xmp)
    if format == "tiff":
        return True, _with_tags(encoded, metadata, profile)
    return True, encoded


def _xmp(chunk: bytes | None, format: ImageFormat) -> bytes | None:
    """OpenCV has none for JPEG, and for PNG reads it up to a NUL, also beyond its end."""
    if chunk is None or format == "jpeg":
        return None
    return chunk + b"\0" if format == "png" else chunk


def _array(chunk: bytes | None) -> Any:
    return np.frombuffer(chunk or b"", np.uint8)


def _fits(profile: bytes | None, image: Image, format: ImageFormat) -> bool:
    gray = channels_of(image) == 1 and format != "webp"  # which stores gray as colour
    return profile is not None and profile[16:20] == (b"GRAY" if gray else b"RGB ")


def _short(chunk: bytes | None, format: ImageFormat, prefix: bytes) -> bytes | None:
    """A JPEG's segment has 65,533 bytes."""
    too_long = format == "jpeg" and chunk is not None and len(prefix + chunk) > _MAX_SEGMENT
    return None if too_long else chunk


def _with_segment(jpeg: bytes, body: bytes) -> bytes:
    """The JPEG with an APP1 segment behind its first one, which is JFIF's."""
    at = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:at] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[at:]


def _loaded(exif: bytes) -> "Exif":
    # Imported where it is needed: most results have no metadata.
    from PIL.Image import Exif

    found = Exif()
    found.load(exif)
    return found


def _edited(exif: bytes | None, only: tuple[int, ...] | None = None) -> bytes | None:
    """EXIF data, upright, without a thumbnail and the sizes of the input; of the wanted tags only,
    where they are told. None when nothing is left, or it cannot be read."""
    if exif is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of data that are odd
            found = _loaded(exif)
            _drop(found, only)
            return found.tobytes().removeprefix(EXIF_PREFIX) if len(found) else None
    except Exception:  # noqa: BLE001 - metadata never make an image fail, whatever they lead to
        return None


def _drop(found: "Exif", only: tuple[int, ...] | None) -> None:
    for tag in list(found):
        if tag in _STRUCTURE or (only is not None and tag not in only):
            del found[tag]
    if _ORIENTATION in found:
        found[_ORIENTATION] = 1
    if _EXIF_DIRECTORY in found:
        directory = found.get_ifd(_EXIF_DIRECTORY)
        for tag in _STATED_SIZES:
            directory.pop(tag, None)


def _with_tags(tiff: bytes, metadata: Metadata, profile: bytes | None) -> bytes:
    """The TIFF of OpenCV, which has pixels and then the directory, with more tags in it.

    The directory is put before the pixels: so is how Pillow counts where the pixels are.
    """
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file = BytesIO(tiff)
    directory = ImageFileDirectory_v2(file.read(_TIFF_START))
    pixels = tiff[_TIFF_START : directory.next]
    file.seek(directory.next)
    directory.load(file)
    stored = dict(directory)  # all is read, for only what was read is written
    directory[_STRIPS] = _shifted(stored[_STRIPS])
    for tag, value in _exif_tags(metadata.exif):
        directory[tag] = value
    for tag, kind, chunk in ((_TIFF_XMP, BYTE, metadata.xmp), (_TIFF_PROFILE, UNDEFINED, profile)):
        if chunk is not None:
            directory[tag] = chunk
            directory.tagtype[tag] = kind
    start = tiff[:4] + _TIFF_START.to_bytes(4, "little")
    return start + directory.tobytes(_TIFF_START) + pixels


def _shifted(strips: tuple[int, ...] | int) -> tuple[int, ...]:
    places = strips if isinstance(strips, tuple) else (strips,)
    return tuple(place - _TIFF_START for place in places)


def _exif_tags(exif: bytes | None) -> Iterator[tuple[int, Any]]:
    """The tags, and for a directory of its own all that is in it."""
    if exif is not None:
        found = _loaded(exif)
        for tag, value in found.items():
            yield tag, found.get_ifd(tag) if tag in _DIRECTORIES else value
