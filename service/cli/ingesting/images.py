"""Which files of a folder are its images, and their bytes."""

import os
from dataclasses import dataclass
from pathlib import Path

from processors.errors import ImageTooLarge, UnsupportedFormat
from processors.formats import FORMAT_BY_EXTENSION
from processors.probing import sniff
from service.storage import SourceUnreadable

_HEAD = 4096
_MOST_BYTES = 2**32 - 1
"""The length of a message is four bytes."""


class FolderRefused(Exception):
    """A folder that cannot be sent; `str(error)` is fit for the user."""


@dataclass(frozen=True)
class ImageFolder:
    """`images` are sorted by name; `folders` and `others` count what is not sent."""

    name: str
    images: list[Path]
    folders: int
    others: int

    def note(self) -> str | None:
        """What is left out, in words; hidden files are passed over in silence."""
        counts = ((self.folders, "subfolder"), (self.others, "file that is no image"))
        parts = [f"{count} x {what}" for count, what in counts if count]
        return f"left out: {', '.join(parts)}" if parts else None


def look_into(folder: str, collection: str | None) -> ImageFolder:
    """The images directly in `folder`, by extension or first bytes. Raises FolderRefused."""
    path = Path(os.path.expanduser(folder))  # noqa: PTH111 - a path may be no home's
    try:
        entries = sorted(item for item in path.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise FolderRefused(f"--folder {folder!r}: {error.strerror}") from None
    images = [item for item in entries if item.is_file() and _is_image(item)]
    folders = sum(item.is_dir() for item in entries)
    if not images:
        raise FolderRefused(f"--folder {folder!r} has no images")
    name = collection or path.resolve().name
    if not name or not _is_text(name):
        raise FolderRefused(f"{name!r} cannot name a collection: --collection gives another name")
    return ImageFolder(name, images, folders, len(entries) - len(images) - folders)


def read(path: Path, most: int | None) -> bytes:
    """The file of an image. Raises SourceUnreadable and ImageTooLarge, `most` being in bytes."""
    check_name(path.name)
    limit = _MOST_BYTES if most is None else min(most, _MOST_BYTES)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise SourceUnreadable(f"the file cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise ImageTooLarge(f"the file has more than the {limit} bytes that the server takes")
    return data


def check_name(name: str) -> None:
    """Raises SourceUnreadable for a name that no message can carry."""
    if not _is_text(name):
        raise SourceUnreadable("the name of the file is not valid UTF-8")


def _is_image(path: Path) -> bool:
    if path.suffix[1:].lower() in FORMAT_BY_EXTENSION:
        return True
    try:
        with path.open("rb") as file:
            sniff(file.read(_HEAD))
    except (OSError, UnsupportedFormat):
        return False
    return True


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
