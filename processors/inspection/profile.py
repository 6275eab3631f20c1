"""The name of a colour profile."""

import io

from PIL import ImageCms

from processors.inspection.report import Profile

_MAX_TEXT = 1000


def described(profile: bytes | None) -> Profile | None:
    """What the ICC profile says of itself; None for none, and for one that cannot be read."""
    if profile is None:
        return None
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        return Profile(
            description=_text(found.profile_description), colour_space=_text(found.xcolor_space)
        )
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None


def _text(value: str | None) -> str | None:
    return (value or "").strip(" \0")[:_MAX_TEXT] or None
