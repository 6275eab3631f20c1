"""The files of this machine that requests may name: confined reads, atomic writes.

A path of a request is taken literally. It is resolved through every symbolic link, and then has to
lie below one of the roots; what is opened is the resolved path. A result is written to a temporary
file in the folder of its target and moved into place, so that a reader sees the old file or the
whole new one.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.storage_errors import (
    PathRefused,
    Side,
    SinkUnwritable,
    SourceNotFound,
    SourceUnreadable,
    StorageError,
    outside,
    too_large,
)

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_PERMISSIONS = 0o666
_PARTIAL = ".part"
MAX_DEPTH = 100
_NO_NAMES = ("", os.curdir, os.pardir)
_NO_FILES = ("/proc/", "/sys/", "/dev/")
"""Trees of the kernel, refused where a root holds them; a root inside (/dev/shm) is meant."""


class LocalFiles:
    """The folders that requests may name.

    Relative paths start at the working directory of the process that made this object, wherever
    the workers that it is sent to were started.
    """

    def __init__(
        self,
        read_roots: Iterable[Path],
        write_roots: Iterable[Path],
        max_bytes: int,
        library: Path | None = None,
    ) -> None:
        self.base = str(Path.cwd())
        self.read_roots = tuple(_as_prefix(root) for root in read_roots)
        self.write_roots = tuple(_as_prefix(root) for root in write_roots)
        self.library = () if library is None else (_as_prefix(library),)
        self.max_bytes = max_bytes
        self._folders: dict[str, str] | None = None

    @contextmanager
    def remembering_folders(self) -> Iterator[None]:
        """Resolve each folder once meanwhile: for the images of one task, a matter of milliseconds.

        The last part of a path is looked at each time all the same.
        """
        self._folders = {}
        try:
            yield
        finally:
            self._folders = None

    def resolve_input(self, path: str) -> str:
        """The real path of an input. Raises PathRefused."""
        return self._confined(path, self.read_roots, "input")[0]

    def resolve_folder(self, path: str) -> str:
        """The real path of a folder of inputs: a read root, or below one. Raises PathRefused."""
        return self._confined(path, self.read_roots, "input", itself=True)[0]

    def resolve_output(self, path: str) -> str:
        """The real path of an output. Raises PathRefused, and SinkUnwritable for no plain file."""
        real, mode = self._confined(path, self.write_roots, "output")
        if mode and not stat.S_ISREG(mode):
            raise SinkUnwritable(f"{path} is there, and is not a plain file that can be replaced")
        return real

    def read(self, path: str, count: int | None = None) -> bytes:
        """The bytes of an input, the first `count` of them if given. Raises a StorageError."""
        return self._read(self.resolve_input(path), path, count)

    def read_library(self, path: str) -> bytes:
        """The bytes of a file of the library, wherever requests may read. Raises a StorageError."""
        return self._read(self._confined(path, self.library, "input")[0], path)

    def read_output(self, path: str) -> bytes:
        """The bytes of what was written. Raises a StorageError."""
        return self._read(self._confined(path, self.write_roots, "output")[0], path)

    def holds_output(self, path: str, count: int) -> bool:
        """Whether an output has that many bytes."""
        try:
            real, mode = self._confined(path, self.write_roots, "output")
            return stat.S_ISREG(mode) and Path(real).stat().st_size == count
        except (OSError, PathRefused):
            return False

    def state_of_input(self, path: str) -> tuple[int, int]:
        """Bytes, and nanoseconds since 1970 at the last change; (0, 0) for what is not there."""
        return _state(lambda: self.resolve_input(path))

    def state_of_output(self, path: str) -> tuple[int, int]:
        """The same of an output."""
        return _state(lambda: self.resolve_output(path))

    def _read(self, real: str, path: str, count: int | None = None) -> bytes:
        descriptor = _open_to_read(real, path)
        try:
            size = self._checked_size(descriptor, path)
            return _read_exactly(descriptor, size if count is None else min(size, count))
        except OSError as error:
            raise SourceUnreadable(f"{path} cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)

    @contextmanager
    def staged(
        self, files: Iterable[tuple[str, bytes]], token: str
    ) -> Iterator[Callable[[], None]]:
        """Files written beside their places, and the step that moves them there.

        They are all written before the first is moved into place, where it may be what another is
        made from. Missing folders are created. `token` names the temporary files, for
        `discard_partials`; none is left behind. Raises a StorageError.
        """
        moves: list[tuple[str, str, str]] = []
        try:
            for path, data in files:
                target = self.resolve_output(path)
                name = _partial_name(token, len(moves))
                partial = os.path.join(os.path.dirname(target), name)  # noqa: PTH120
                moves.append((partial, target, path))
                with _unwritable(path):
                    _write_all(_create(partial), data)
            yield lambda: _move(moves)
        except BaseException:
            for partial, _, _ in moves:
                with suppress(OSError):  # it was moved, or never made
                    Path(partial).unlink()
            raise

    def discard_partials(self, path: str, token: str) -> None:
        """Remove the temporary files beside `path` of all tokens that begin with `token`."""
        with suppress(PathRefused, OSError):  # then nothing can be there
            folder = Path(self._confined(path, self.write_roots, "output")[0]).parent
            for entry in os.scandir(folder):
                if entry.name.startswith(f".{token}") and entry.name.endswith(_PARTIAL):
                    (folder / entry.name).unlink()

    def _confined(
        self, path: str, roots: tuple[str, ...], side: Side, itself: bool = False
    ) -> tuple[str, int]:
        """The real path, and the mode of what is there; it may be a root `itself`.

        Raises PathRefused.
        """
        if not path or "\0" in path:
            raise PathRefused(f"{path!r:.200} is not a path", side)
        if path.count(os.sep) > MAX_DEPTH:
            raise PathRefused(f"{path:.80}... has more than {MAX_DEPTH} folders", side)
        try:
            os.fsencode(path)
            real, mode = self._real(
                path if path.startswith(os.sep) else f"{self.base}{os.sep}{path}"
            )
        except (OSError, UnicodeError) as error:
            raise PathRefused(f"{path!r:.200} is not a path: {error}", side) from None
        if not (os.path.join(real, "") if itself else real).startswith(roots):
            raise outside(path, side)
        if real.startswith(_NO_FILES) and not real.startswith(_inside(_NO_FILES, roots)):
            raise PathRefused(f"{path} belongs to the kernel", side)
        return real, mode

    def _real(self, path: str) -> tuple[str, int]:
        """`path`, absolute, without symbolic links, and the mode of what is there."""
        folder, _, name = path.rpartition(os.sep)
        if self._folders is None or name in _NO_NAMES:
            return _followed(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.join(os.path.realpath(folder or os.sep), "")
        found = self._folders[folder] + name
        mode = _mode(found)
        return _followed(found) if stat.S_ISLNK(mode) else (found, mode)

    def _checked_size(self, descriptor: int, path: str) -> int:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PathRefused(f"{path} is not a plain file")
        if status.st_size > self.max_bytes:
            raise too_large(path, status.st_size, self.max_bytes)
        return status.st_size


def _move(moves: Iterable[tuple[str, str, str]]) -> None:
    for partial, target, path in moves:
        with _unwritable(path):
            os.replace(partial, target)


@contextmanager
def _unwritable(path: str) -> Iterator[None]:
    """Raise SinkUnwritable for OSError."""
    try:
        yield
    except OSError as error:
        raise SinkUnwritable(f"{path} cannot be written: {error.strerror}") from None


def _partial_name(token: str, number: int) -> str:
    """Of file `number` of a task, which writes those of one image at a time."""
    return f".{token}-{number}{_PARTIAL}" if number else f".{token}{_PARTIAL}"


def _as_prefix(root: Path) -> str:
    """With a separator at the end, so that resolved paths that begin with it lie below it.

    That is what commonpath would find for resolved paths, at a tenth of its cost for each image.
    """
    return os.path.join(os.path.realpath(root), "")


def _followed(path: str) -> tuple[str, int]:
    real = os.path.realpath(path)
    return real, _mode(real)


def _mode(path: str) -> int:
    """The type and permissions of what lies at `path`; 0 when nothing is to be seen there."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _state(resolved: Callable[[], str]) -> tuple[int, int]:
    try:
        found = os.stat(resolved(), follow_symlinks=False)  # noqa: PTH116
    except (OSError, StorageError):
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _inside(trees: tuple[str, ...], roots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(root for root in roots if root.startswith(trees))


def _open_to_read(real: str, path: str) -> int:
    # O_NONBLOCK: opening a pipe without a writer must not wait. O_NOFOLLOW: the path was resolved.
    try:
        return os.open(real, _READ)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"there is no file {path}") from None
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}") from None


def _read_exactly(descriptor: int, count: int) -> bytes:
    data = os.read(descriptor, count)
    while len(data) < count and (more := os.read(descriptor, count - len(data))):
        data += more
    return data


def _create(partial: str) -> int:
    try:
        return os.open(partial, _CREATE, _PERMISSIONS)
    except FileNotFoundError:
        Path(partial).parent.mkdir(parents=True, exist_ok=True)
        return os.open(partial, _CREATE, _PERMISSIONS)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, memoryview(data)[written:])
    finally:
        os.close(descriptor)
