"""The format of a result by what the client accepts.

Source: RFC 9110, sections 12.4.2 (quality values) and 12.5.1 (Accept).
"""

from fastapi import Request

from processors.formats import FORMAT_TRAITS
from processors.probing import Header, ImageFormat

_NEGOTIATED: tuple[ImageFormat, ...] = ("avif", "webp")
_EVERYWHERE: frozenset[ImageFormat] = frozenset(("jpeg", "png", "gif"))
_MAX_RANGES = 64
_MAX_LENGTH = 4096


def accepted(request: Request) -> str:
    """All that the request accepts, in one line."""
    return ",".join(request.headers.getlist("accept"))


def negotiated(accept: str, header: Header) -> ImageFormat:
    """The format that `accept`, an Accept header, likes best for an image with `header`.

    AVIF and WebP have to be named, as clients that accept anything may not show them; AVIF is
    for still images alone. The smaller format comes first where quality values are equal.
    """
    qualities = _qualities(accept)
    offered = [
        (qualities.get(FORMAT_TRAITS[format].media_type, 0.0), format)
        for format in _NEGOTIATED
        if header.frames == 1 or format != "avif"
    ]
    liking, format = max(offered, key=lambda offer: offer[0])
    usual = _usual(header)
    return format if liking > 0 and liking >= _quality_of(usual, qualities) else usual


def _usual(header: Header) -> ImageFormat:
    """What every client shows."""
    if header.format in _EVERYWHERE:
        return header.format
    if header.frames > 1:
        return "gif"
    return "png" if header.channels == 4 else "jpeg"


def _quality_of(format: ImageFormat, qualities: dict[str, float]) -> float:
    """The most precise range counts."""
    ranges = (FORMAT_TRAITS[format].media_type, "image/*", "*/*")
    return next((qualities[each] for each in ranges if each in qualities), 0.0)


def _qualities(accept: str) -> dict[str, float]:
    """Media range to quality, 0 to 1."""
    found: dict[str, float] = {}
    for entry in accept[:_MAX_LENGTH].split(",")[:_MAX_RANGES]:
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = (text[2:] for text in parameters if text.startswith("q="))
        found[kind] = _number(next(weights, "1"))
    return found


def _number(text: str) -> float:
    """A quality value; what is none counts as 0."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
