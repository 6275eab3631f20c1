"""The files of a `.tar.gz` from outside, read in memory: nothing is ever extracted to disk.

`tarfile` learnt to refuse hostile members (`filter`) after Python 3.11.0, and reads its own headers
without a bound. Here it reads through a window on the unpacked bytes that only moves forward, and
that has an end.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from service.cli.datasets.errors import ArchiveRefused
from service.logs import escape
from service.units import MIB

MAX_UNPACKED = 2048 * MIB
MAX_MEMBER = 256 * MIB
"""Bytes of one file, which is held in memory."""

_MAX_MEMBERS = 10_000
_PIECE = MIB
"""Bytes that are read at once: a header of `tarfile` that wants more is refused."""

_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}
_DAMAGED = (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, ValueError, RecursionError)


class _Forward(io.RawIOBase):
    """Unpacked bytes that are read once, up to `limit`. Raises ArchiveRefused."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        self._file = file
        self._limit = limit

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self.tell():
            raise ArchiveRefused("the archive is damaged: a file in it has a negative length")
        self._check(offset)
        return self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _PIECE:
            raise ArchiveRefused(f"the archive is damaged: a header in it has {size} bytes")
        self._check(self.tell() + size)
        return self._file.read(size)

    def _check(self, end: int) -> None:
        # A header is read whole: the last one may reach over the end.
        if end > self._limit + tarfile.RECORDSIZE:
            raise ArchiveRefused(f"the archive unpacks to more than {self._limit} bytes")


def files_of(archive: Path, limit: int = MAX_UNPACKED) -> Iterator[tuple[str, "Member"]]:
    """Each file of the archive, in its order: its path, and what reads it.

    A member is read before the next one is asked for, or not at all. Raises ArchiveRefused for an
    archive that is damaged, unpacks to more than `limit` bytes, or holds anything but plain files
    and folders at relative paths; and OSError.
    """
    with _explained(), gzip.open(archive) as unpacked:
        window = _Forward(unpacked, limit)
        with tarfile.open(fileobj=window, mode="r:") as tar:
            yield from _members(tar)
        while window.read(_PIECE):  # to its end, where the checksum of all is
            pass


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ArchiveRefused(f"the archive is damaged: {escape(str(error))}") from None


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, "Member"]]:
    count = 0
    while (info := tar.next()) is not None:
        count += 1
        if count > _MAX_MEMBERS:
            raise ArchiveRefused(f"the archive has more than {_MAX_MEMBERS} members")
        _check(info)
        if info.isreg():
            yield info.name, Member(tar, info)


def _check(info: tarfile.TarInfo) -> None:
    """Raises ArchiveRefused for what a hostile archive holds, whether or not it would be read."""
    name = escape(info.name)
    path = PurePosixPath(info.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in info.name:
        raise ArchiveRefused(f"the archive holds {name!r:.200}, a path that leads out of it")
    if info.issparse() or not (info.isreg() or info.isdir()):
        kind = _KINDS.get(info.type, "no plain file")
        raise ArchiveRefused(f"the archive holds {name!r:.200}, which is {kind}")
    if not 0 <= info.size <= MAX_MEMBER:
        raise ArchiveRefused(f"{name!r:.200} has {info.size} bytes, the limit is {MAX_MEMBER}")


class Member:
    """A file in an archive."""

    def __init__(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        self._tar = tar
        self._info = info

    def read(self) -> bytes:
        """All its bytes. Raises ArchiveRefused, also where the archive ends within them."""
        source = self._tar.extractfile(self._info)
        assert source is not None
        data = bytearray()
        with _explained(), source:
            while piece := source.read(_PIECE):
                data += piece
        if len(data) != self._info.size:
            raise ArchiveRefused("the archive ends too early")
        return bytes(data)
