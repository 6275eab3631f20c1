"""The library's folder: which files are its images, and how files are added to it.

Blocking calls: not for the event loop.
"""

import hashlib
import os
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from processors.formats import FORMAT_BY_EXTENSION, FORMAT_TRAITS
from processors.probing import ImageFormat
from service.errors import InvalidRequest
from service.storage import SinkUnwritable
from service.transfer import LibrarySource, MemoryFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_MOST_COPIES = 10_000
_LONGEST_NAME = 200
_NOT_IN_NAMES = frozenset('<>:"/\\|?*')


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file: its path relative to the folder, with `/`; its length; when it was written."""

    path: str
    bytes: int
    modified: datetime

    @property
    def id(self) -> str:
        """64 bits of BLAKE2b of the path, as 16 hex digits."""
        return hashlib.blake2b(self.path.encode(), digest_size=8).hexdigest()


class Folder:
    """A folder of images, at any depth. Links are not followed: they may lead anywhere."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def files(self) -> Iterator[ImageFile]:
        """All files whose extension is that of a format; a folder that is missing is empty."""
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            for entry in _entries(self.root / inside):
                path = f"{inside}{entry.name}"
                if entry.name.startswith(".") or not _encodable(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                elif _is_image(entry):
                    yield _file(path, entry.stat(follow_symlinks=False))

    def file(self, path: str) -> ImageFile:
        """One file as it is now. Raises OSError, also for what is no plain file any more."""
        with self._inside(path) as (folder, name):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path)
        return _file(path, status)

    def source(self, path: str) -> LibrarySource:
        """What a worker reads."""
        return LibrarySource(str(self.root / path))

    def add(self, name: str, format: ImageFormat, held: MemoryFile) -> ImageFile:
        """Write what `held` holds to a new file under a safe form of `name`.

        A name that is taken gets a number: no file is overwritten. The file is whole before it
        has its name. Raises InvalidRequest when there is no free name, and SinkUnwritable.
        """
        with _written():
            self.root.mkdir(parents=True, exist_ok=True)
            return self._add(name, format, held)

    def _add(self, name: str, format: ImageFormat, held: MemoryFile) -> ImageFile:
        stem, extension = _safe(name, format)
        partial = self.root / f".{os.urandom(8).hex()}.part"
        try:
            with open(held.path, "rb") as source, partial.open("xb") as file:  # noqa: PTH123
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            for number in range(_MOST_COPIES):
                path = f"{stem}_{number}{extension}" if number else f"{stem}{extension}"
                try:
                    os.link(partial, self.root / path)  # fails where the name is taken
                except FileExistsError:
                    continue
                return self.file(path)
        finally:
            partial.unlink(missing_ok=True)
        raise InvalidRequest(f"{stem}{extension} is there {_MOST_COPIES} times: use another name")

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already, or is no file any more, is as good.

        Raises SinkUnwritable.
        """
        with _written(), suppress(*_GONE), self._inside(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    @contextmanager
    def _inside(self, path: str) -> Iterator[tuple[int, str]]:
        """The open folder of `path`, and the name in it. Raises OSError.

        A folder may have become a link since the scan: none is followed on the way.
        """
        *folders, name = path.split("/")
        opened = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                above, opened = opened, os.open(folder, _FOLDER, dir_fd=opened)
                os.close(above)
            yield opened, name
        finally:
            os.close(opened)


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"the library's folder cannot be written: {error.strerror}"
        raise SinkUnwritable(detail) from None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []  # gone meanwhile, or not ours to read: then it has no images for us


def _is_image(entry: os.DirEntry[str]) -> bool:
    extension = entry.name.rpartition(".")[2].lower()
    return extension in FORMAT_BY_EXTENSION and entry.is_file(follow_symlinks=False)


def _encodable(path: str) -> bool:
    """Whether a name is text: those of other encodings could not be asked for over HTTP."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _file(path: str, status: os.stat_result) -> ImageFile:
    modified = datetime.fromtimestamp(status.st_mtime_ns // 10**9, UTC)
    modified = modified.replace(microsecond=status.st_mtime_ns % 10**9 // 1000)
    return ImageFile(path, status.st_size, modified)


def _safe(name: str, format: ImageFormat) -> tuple[str, str]:
    """A stem that every file system takes, and the extension of what the bytes are."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    text = unicodedata.normalize("NFC", plain.encode(errors="ignore").decode())
    stem, _, extension = text.rpartition(".")
    known = FORMAT_BY_EXTENSION.get(extension.lower()) == format
    stem = stem if known else text
    safe = "".join(
        char if char.isprintable() and char not in _NOT_IN_NAMES else "_" for char in stem
    )
    safe = safe.strip(". ")[:_LONGEST_NAME]
    while len(safe.encode()) > _LONGEST_NAME:
        safe = safe[:-1]
    right = extension.lower() if known else FORMAT_TRAITS[format].extensions[0]
    return safe or "image", f".{right}"
