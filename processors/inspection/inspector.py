"""The job of looking at an image: its bytes in, a report in JSON out."""

import hashlib
from dataclasses import dataclass
from time import perf_counter

import cv2

from processors.decoding import DecodeMode, decode
from processors.errors import OutOfMemory
from processors.inspection import palette, statistics
from processors.inspection.exif import readable_tags
from processors.inspection.profile import described
from processors.inspection.report import Alpha, DominantColor, Profile, Report, TagValue
from processors.limits import MEGAPIXEL, Limits
from processors.metadata import read
from processors.opencv_errors import lacks_memory
from processors.operation import Image, Size, channels_of, size_of
from processors.orientation import Orient
from processors.perceptual_hash import perceptual_hash
from processors.pipeline import Encoded, Processed, timings_of
from processors.probing import Header, probe


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a request asks for: a report instead of pixels."""


class Inspector:
    """Makes a Report of each image; it stands where a Runner does."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def run(self, data: bytes, path: str | None) -> Processed:
        """One result: the Report of the image `data`, in JSON. Its size is that of the image.

        Raises an ImageError or OutOfMemory, as a Runner does; metadata that cannot be read are
        left out.
        """
        started = perf_counter()
        self.limits.check_bytes(len(data))
        header = probe(data)
        self.limits.check_size(Size(header.width, header.height))
        image = Orient(header.orientation).apply(decode(data, header, DecodeMode()))
        decoded = perf_counter()
        report = _measured(data, header, image)
        measured = perf_counter()
        result = Encoded(report.model_dump_json().encode(), size_of(image), header.format)
        return Processed([result], timings_of(started, decoded, measured, perf_counter(), ()), ())


def _measured(data: bytes, header: Header, image: Image) -> Report:
    try:
        return _report(data, header, image)
    except cv2.error as error:
        if lacks_memory(error):
            raise OutOfMemory("inspecting needs more memory than a worker may use") from None
        raise


def _report(data: bytes, header: Header, image: Image) -> Report:
    size = size_of(image)
    mean, deviation = statistics.means(image)
    exif, profile = _metadata(data, header)
    orientation = _orientation(header, exif)
    turned = orientation >= 5
    return Report(
        format=header.format,
        width=size.width,
        height=size.height,
        stored_width=size.height if turned else None,
        stored_height=size.width if turned else None,
        megapixels=size.pixels / MEGAPIXEL,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        channels=channels_of(image),
        bit_depth=header.bit_depth - header.unused_bits,
        orientation=orientation,
        frames=header.frames,
        progressive=header.progressive,
        alpha=Alpha(has=channels_of(image) == 4, transparent=statistics.any_transparent(image)),
        exif=exif,
        profile=profile,
        histogram=statistics.histograms(image),
        mean=mean,
        standard_deviation=deviation,
        sharpness=statistics.sharpness(image),
        perceptual_hash=f"{perceptual_hash(image):016x}",
        dominant_colors=_colors(image),
    )


def _metadata(data: bytes, header: Header) -> tuple[dict[str, TagValue], Profile | None]:
    found = read(data, header.format)
    return readable_tags(found.exif), described(found.profile)


def _orientation(header: Header, exif: dict[str, TagValue]) -> int:
    """That of the file: OpenCV applies the one of a TIFF itself, and the header does not tell."""
    noted = exif.get("Orientation")
    if header.format == "tiff" and isinstance(noted, int) and 1 <= noted <= 8:
        return noted
    return header.orientation


def _colors(image: Image) -> list[DominantColor]:
    clusters = palette.dominant_colors(image)
    return [DominantColor(hex=one.hex, share=round(one.share, 4)) for one in clusters]
