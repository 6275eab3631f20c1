"""Telling formats apart by their first bytes, and naming those that are not accepted.

Sources: each format's own specification; ISO/IEC 14496-12 for the brands of an `ftyp` box.
"""

import re

from processors.errors import UnsupportedFormat
from processors.probing.header import FORMATS, ImageFormat

_ACCEPTED: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"\0\0\1\0", "Windows icon (ICO)"),
    (b"\0\0\2\0", "Windows cursor (CUR)"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc", "JPEG XR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"IIU\0", "Panasonic raw (RW2)"),
    (b"IIRO", "Olympus raw (ORF)"),
    (b"\x8aMNG", "MNG"),
    (b"qoif", "QOI"),
    (b"DDS ", "DirectDraw surface (DDS)"),
    (b"icns", "Apple icon (ICNS)"),
    (b"gimp xcf", "GIMP (XCF)"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"%!PS", "PostScript"),
    (b"RIFF", "RIFF audio or video"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
)

_BRANDS = {
    b"mif1": "HEIF",
    b"msf1": "HEIF",
    b"crx ": "Canon raw (CR3)",
    b"jp2 ": "JPEG 2000",
    b"jxl ": "JPEG XL",
    b"qt  ": "QuickTime video",
} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIC")

# Text is recognised by how it starts, after white space, a byte order mark, and XML's preamble.
_TEXTS = (
    (
        re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:svg|[?!](?!doctype html).*?<svg)\b", re.S | re.I),
        "SVG",
    ),
    (re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)\b", re.I), "an HTML page"),
    (re.compile(rb"\AP[1-7]\s"), "Netpbm (PBM, PGM, PPM, PAM)"),
)
_TEXT_BYTES = 1024
_BRAND_BYTES = 128


def sniff(data: bytes) -> ImageFormat:
    """The format of an image, by its first bytes; raises UnsupportedFormat, naming what it is."""
    for signature, kind in _ACCEPTED:
        if data.startswith(signature):
            return kind
    if data[8:12] == b"WEBP" and data.startswith(b"RIFF"):
        return "webp"
    if data[4:8] == b"ftyp" and not _brands(data).isdisjoint((b"avif", b"avis")):
        return "avif"
    raise UnsupportedFormat(_refusal(data))


def _brands(data: bytes) -> set[bytes]:
    """The major and the compatible brands of the `ftyp` box that the file starts with."""
    end = min(int.from_bytes(data[:4], "big"), _BRAND_BYTES)
    return {data[8:12]} | {data[at : at + 4] for at in range(16, end, 4)}


def _refusal(data: bytes) -> str:
    accepted = ", ".join(kind.upper() for kind in FORMATS)
    if not data:
        return f"The image has no bytes; accepted are {accepted}"
    guess = _guess(data)
    found = f"The image looks like {guess}" if guess else "The image is of no known format"
    return f"{found}; accepted are {accepted}"


def _guess(data: bytes) -> str | None:
    for signature, name in _REFUSED:
        if data.startswith(signature):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "MP4 video")
    head = data[:_TEXT_BYTES]
    return next((name for pattern, name in _TEXTS if pattern.search(head)), None)
