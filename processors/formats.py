"""The formats that Darkroom writes, and what each of them can hold."""

from dataclasses import dataclass

from processors.errors import EncodeError
from processors.probing import ImageFormat


@dataclass(frozen=True, slots=True)
class FormatTraits:
    """`extensions` without the dot, the usual one first; `max_side` in pixels; `quality` is the
    default of 1 to 100, None where the format has none. AVIF could state 65,536 pixels, but its
    usual decoder, libavif, refuses sides above 32,768."""

    extensions: tuple[str, ...]
    media_type: str
    alpha: bool
    deep: bool
    max_side: int
    quality: int | None = None


FORMAT_TRAITS: dict[ImageFormat, FormatTraits] = {
    "jpeg": FormatTraits(
        ("jpg", "jpeg", "jpe", "jfif"), "image/jpeg", False, False, 65_500, quality=90
    ),
    "png": FormatTraits(("png",), "image/png", True, True, 1_000_000),
    "webp": FormatTraits(("webp",), "image/webp", True, False, 16_383, quality=80),
    "avif": FormatTraits(("avif",), "image/avif", True, False, 32_768, quality=60),
    "tiff": FormatTraits(("tiff", "tif"), "image/tiff", True, True, 1_000_000),
    "bmp": FormatTraits(("bmp", "dib"), "image/bmp", True, False, 1_000_000),
    "gif": FormatTraits(("gif",), "image/gif", False, False, 65_535),
}
FORMAT_BY_EXTENSION: dict[str, ImageFormat] = {
    extension: name for name, traits in FORMAT_TRAITS.items() for extension in traits.extensions
}


def format_of_path(path: str) -> ImageFormat:
    """The format that the extension of `path` stands for, in any case. Raises EncodeError."""
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    extension = extension.lower() if stem else ""
    if extension in FORMAT_BY_EXTENSION:
        return FORMAT_BY_EXTENSION[extension]
    known = ", ".join(f".{extension}" for extension in FORMAT_BY_EXTENSION)
    found = f"the extension .{extension} is" if extension else "a name without an extension is"
    raise EncodeError(f"{found} no image format; use one of {known}, or set encode.format")
