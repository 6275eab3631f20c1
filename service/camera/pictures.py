"""A folder of numbered files: pictures or recordings. None is ever overwritten."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from processors.encoding import EncodeOptions
from service.storage import SinkUnwritable
from service.store.errors import NotStored

FULL_QUALITY = EncodeOptions(format="jpeg", quality=100, chroma_subsampling="4:4:4")
"""How pictures are encoded before they are saved."""

_MOST_TRIES = 10_000
_ABANDONED_SECONDS = 3600.0
"""A partial file that nobody has written to for so long belongs to a process that was killed."""


@dataclass(frozen=True, slots=True)
class NumberedFile:
    """A file of the folder; `bytes` long, last changed at `created_at`."""

    name: str
    path: Path
    bytes: int
    created_at: datetime


class NumberedFolder:
    """The files `{stem}_0001.{extension}` and so on of a folder, which is made when it is missing.

    A file appears under its name when it is whole, after the highest number that there is. Several
    threads and processes may add at once.
    """

    def __init__(self, root: Path, stem: str, extension: str) -> None:
        self.root = root
        self._stem, self._extension = stem, extension
        self._name = re.compile(rf"{stem}_([0-9]{{4,}})\.{extension}")

    def save(self, data: bytes) -> NumberedFile:
        """Store `data` under the next free number. Raises SinkUnwritable."""
        with self._refused(), self._partial() as partial:
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return self._named(partial)

    def adopt(self, partial: Path) -> NumberedFile:
        """Give the next free number to a whole file that `partial_path` named.

        Raises SinkUnwritable.
        """
        with self._refused():
            try:
                return self._named(partial)
            finally:
                partial.unlink(missing_ok=True)

    def partial_path(self) -> Path:
        """A path for a file that grows. Removes those left by killed processes.

        Raises SinkUnwritable.
        """
        with self._refused():
            self.root.mkdir(parents=True, exist_ok=True)
            for path in self.root.glob(f".{self._stem}_*.part.{self._extension}"):
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                        path.unlink()
        return self.root / f".{self._stem}_{secrets.token_hex(8)}.part.{self._extension}"

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        partial = self.partial_path()
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    def _named(self, partial: Path) -> NumberedFile:
        """Raises OSError."""
        first = max((self._number(name) for name in self._names()), default=0) + 1
        for number in range(first, first + _MOST_TRIES):
            path = self.root / f"{self._stem}_{number:04}.{self._extension}"
            try:
                os.link(partial, path)  # fails where the name is taken, also by another process
            except FileExistsError:
                continue
            return _described(path)
        raise FileExistsError(0, f"{_MOST_TRIES} names in a row are taken")

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self.root.iterdir() if self._name.fullmatch(path.name)]
        except FileNotFoundError:
            return []

    def _number(self, name: str) -> int:
        found = self._name.fullmatch(name)
        return int(found[1]) if found else 0

    def page(self, before: str | None, limit: int) -> tuple[list[NumberedFile], str | None]:
        """The newest first, at most `limit`, from the one behind `before`; the last name if there
        are more.
        """
        names = sorted(self._names(), key=self._number, reverse=True)
        if before is not None:
            names = [name for name in names if self._number(name) < self._number(before)]
        found = [file for name in names[:limit] if (file := self._find(name)) is not None]
        return found, names[limit - 1] if len(names) > limit else None

    def get(self, name: str) -> NumberedFile:
        """Raises NotStored, also for every name that this folder would not give."""
        file = self._find(name) if self._name.fullmatch(name) else None
        if file is None:
            raise NotStored(f"there is no {self._stem} {name!r:.80}")
        return file

    def remove(self, name: str) -> None:
        """Raises NotStored and SinkUnwritable."""
        file = self.get(name)
        with self._refused():
            file.path.unlink(missing_ok=True)

    def _find(self, name: str) -> NumberedFile | None:
        path = self.root / name
        try:
            return _described(path) if path.is_file() and not path.is_symlink() else None
        except OSError:
            return None  # gone meanwhile

    @contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            detail = f"the folder of the {self._stem}s cannot be written: {error.strerror}"
            raise SinkUnwritable(detail) from None


def _described(path: Path) -> NumberedFile:
    status = path.stat()
    return NumberedFile(
        path.name, path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)
    )


def pictures_in(root: Path) -> NumberedFolder:
    return NumberedFolder(root, "picture", "jpg")


def recordings_in(root: Path) -> NumberedFolder:
    return NumberedFolder(root, "recording", "mp4")
