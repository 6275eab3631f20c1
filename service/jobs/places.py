"""Where the files that requests name lie."""

import os.path
from pathlib import Path

from service.remote.urls import is_url, parse
from service.storage import MAX_DEPTH


class Places:
    """Where files lie, alike for the spellings of one path.

    Links are followed in folders, each of which is looked up once, not where the file itself is
    one: this runs for each of a hundred thousand images before the first is done.
    """

    def __init__(self) -> None:
        self._base = str(Path.cwd())
        self._folders: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The real path of what `path` names, or its URL in normal form."""
        if is_url(path):
            return _normal(path)
        whole = path if path.startswith("/") else f"{self._base}/{path}"
        folder, _, name = whole.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = _real_folder(folder)
        return f"{self._folders[folder]}/{name}"


def _normal(url: str) -> str:
    try:
        return str(parse(url))
    except ValueError:  # no URL at all, as the image will be told
        return url


def _real_folder(folder: str) -> str:
    if folder.count("/") > MAX_DEPTH:  # what it leads to is not opened
        return folder
    try:
        return os.path.realpath(folder or "/")
    except ValueError:  # no path at all, as the image will be told
        return folder
