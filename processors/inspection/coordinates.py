"""Where a picture was taken, as maps write it.

Source: Exif 3.0 (CIPA DC-008), section 4.6.7: degrees, minutes and seconds, and a reference.
"""

from processors.inspection.report import TagValue

_SIDES = {"GPSLatitude": 90, "GPSLongitude": 180}
_NEGATIVE = {"S", "W", "s", "w"}
_BELOW_SEA = {1, 3}
_SIXTIETHS = (1.0, 1 / 60, 1 / 3600)


def with_coordinates(tags: dict[str, TagValue]) -> dict[str, TagValue]:
    """`tags` with latitude, longitude and altitude as one signed number each, and no references.

    North, east and above the sea are positive, and what has no reference; a coordinate that is
    none is left out.
    """
    found = dict(tags)
    for name, limit in _SIDES.items():
        degrees = _degrees(found.pop(name, None))
        reference = found.pop(f"{name}Ref", None)
        if degrees is not None and 0 <= degrees <= limit:
            found[name] = -degrees if reference in _NEGATIVE else degrees
    altitude, reference = found.pop("GPSAltitude", None), found.pop("GPSAltitudeRef", 0)
    if isinstance(altitude, float):
        found["GPSAltitude"] = -altitude if reference in _BELOW_SEA else altitude
    return found


def _degrees(value: TagValue | None) -> float | None:
    """To seven decimals, a centimetre on the ground."""
    parts = value if isinstance(value, list) else [value]
    numbers = [part for part in parts if isinstance(part, int | float)]
    if not numbers or len(numbers) != len(parts) or len(numbers) > len(_SIXTIETHS):
        return None
    return round(sum(part * scale for part, scale in zip(numbers, _SIXTIETHS, strict=False)), 7)
