"""The images below a folder."""

import os
from collections.abc import Callable
from pathlib import Path

from processors.errors import UnsupportedFormat
from processors.formats import FORMAT_BY_EXTENSION
from processors.probing import sniff
from service.cli.sending.wish import SendRefused

_FIRST_BYTES = 256


def images_below(folder: Path, skipped: Callable[[str], None]) -> list[str]:
    """The images below `folder`, at any depth, as sorted paths relative to it.

    A file is one by its extension, or by its first bytes where the extension is none of an image.
    Hidden files are left out, and links are not followed: they may lead anywhere. `skipped` is
    told of each folder that cannot be read. Raises SendRefused when there is no image.
    """
    found: list[str] = []

    def unreadable(error: OSError) -> None:
        skipped(f"{error.filename} cannot be read: {error.strerror}")

    for where, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(where, name) for name in names if not name.startswith("."))
        found += [str(path.relative_to(folder)) for path in paths if _is_image(path)]
    if not found:
        raise SendRefused(f"there is no image below {folder}")
    return sorted(found)


def _is_image(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    return path.suffix[1:].lower() in FORMAT_BY_EXTENSION or _begins_as_image(path)


def _begins_as_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            sniff(file.read(_FIRST_BYTES))
    except (OSError, UnsupportedFormat):
        return False
    return True
