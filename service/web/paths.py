"""Folders, and roots that are URLs, as a request would name them."""

import os
from pathlib import Path

from service.remote.urls import Url


def as_written(folder: Path | Url) -> str:
    """Relative to the working folder where it lies inside, `.` for that one; else absolute."""
    if isinstance(folder, Url):
        return str(folder)
    try:
        relative = os.path.relpath(folder)
    except (OSError, ValueError):
        return str(folder)
    return str(folder) if relative.startswith(os.pardir) else relative


def below(folder: Path) -> str:
    """What stands before the path of a file of `folder`: `testimages/`, or nothing."""
    written = as_written(folder)
    return "" if written == "." else f"{written}/"
