"""The files that a pattern matches, found as they are asked for, below the read roots only.

`*` and `?` stand for characters of one name, `[...]` for one of some, `**` for any folders. As in a
shell, names that begin with a dot have to be asked for, and `**` follows no links.
"""

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from service.storage import MAX_DEPTH, Storage, StorageError

MOST_ENTRIES = 2_000_000
"""That one search looks at: some seconds of work."""

_WILDCARD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"
_ASK_EVERY = 256


class SearchTooLong(Exception):
    """The search would look at more than it may; `str(error)` is fit for the user."""


class SearchStopped(Exception):
    """The search was told to stop before it was through."""


class Search:
    """How much the patterns of one request may look at together, and whether they are to stop.

    `stopped` is asked again and again, in the thread that searches.
    """

    def __init__(
        self, stopped: Callable[[], bool] = lambda: False, most: int = MOST_ENTRIES
    ) -> None:
        self._stopped = stopped
        self._most = most
        self._looked = 0

    def ask(self) -> None:
        """Raises SearchStopped."""
        if self._stopped():
            raise SearchStopped

    def count(self) -> None:
        """Note that an entry of a folder is looked at. Raises SearchStopped and SearchTooLong."""
        self._looked += 1
        if self._looked > self._most:
            raise SearchTooLong(
                f"more than {self._most} files would be looked at: begin the pattern with a folder"
            )
        if self._looked % _ASK_EVERY == 0:
            self.ask()


def is_pattern(storage: Storage, path: str) -> bool:
    """Whether `path` has a wildcard, and is no file itself. It reads the disk."""
    return bool(_WILDCARD.search(path)) and not os.path.lexists(os.path.join(storage.base, path))


def matches(storage: Storage, pattern: str, search: Search | None = None) -> Iterator[str]:
    """The paths that match, each once: those in a folder by name, then those in its folders.

    They are spelt as the pattern is: relative where it is. Raises a StorageError for a pattern
    whose fixed part lies outside the read roots; SearchStopped and SearchTooLong come while the
    paths are asked for.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    fixed = next((at for at, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    start = "/".join(parts[:fixed])
    start = f"/{start}" if pattern.startswith("/") else start
    storage.resolve_folder(start or ".")
    if pattern.endswith("/"):
        return iter(())  # it names folders, and those are no images
    return _Walk(storage, parts[fixed:], search or Search()).below(start)


class _Folder(NamedTuple):
    """A folder to look into, and the parts of the pattern that its entries may fit, by index."""

    path: str
    open: frozenset[int]
    depth: int


class _Walk:
    """Looks into each folder once, for all parts of the pattern that may come next there.

    So a pattern with many `**` costs what one with a single one does, and finds nothing twice.
    """

    def __init__(self, storage: Storage, parts: list[str], search: Search) -> None:
        self._storage = storage
        self._parts = parts
        self._fits = [re.compile(fnmatch.translate(part)).match for part in parts]
        self._last = len(parts) - 1
        self._search = search

    def below(self, start: str) -> Iterator[str]:
        waiting = [_Folder(start, self._opened({0}), 0)]
        while waiting:
            folder = waiting.pop()
            inner = []
            for entry, fitting in self._entries(folder):
                path = _joined(folder.path, entry.name)
                if self._last in fitting and _is_file(entry):
                    yield path
                elif further := self._further(entry, fitting):
                    inner.append(_Folder(path, further, folder.depth + 1))
            waiting += [found for found in reversed(inner) if found.depth <= MAX_DEPTH]

    def _entries(self, folder: _Folder) -> list[tuple["os.DirEntry[str]", list[int]]]:
        """Those that fit some part, in the order of their names; none where that is forbidden."""
        self._search.ask()
        found = []
        try:
            with os.scandir(self._storage.resolve_folder(folder.path or ".")) as entries:
                for entry in entries:
                    self._search.count()
                    fitting = [part for part in folder.open if self._fit(part, entry.name)]
                    if self._matters(entry, fitting):
                        found.append((entry, fitting))
        except (OSError, StorageError):
            pass
        return sorted(found, key=lambda pair: pair[0].name)

    def _matters(self, entry: "os.DirEntry[str]", fitting: list[int]) -> bool:
        # `**` fits every file, and is to keep none of a million.
        if not fitting or not _is_text(entry.name):
            return False
        return self._last in fitting or _is_folder(entry)

    def _fit(self, part: int, name: str) -> bool:
        if name.startswith(".") and not self._parts[part].startswith("."):
            return False
        return self._fits[part](name) is not None

    def _further(self, entry: "os.DirEntry[str]", fitting: list[int]) -> frozenset[int]:
        """The parts that may come next below `entry`: none if it is no folder to look into."""
        if not _is_folder(entry):
            return frozenset()
        following = {part + 1 for part in fitting if self._parts[part] != _ANY_FOLDERS}
        staying = {part for part in fitting if self._parts[part] == _ANY_FOLDERS}
        if staying and _is_link(entry):
            staying = set()
        return self._opened(following | staying)

    def _opened(self, parts: set[int]) -> frozenset[int]:
        """`parts`, and those behind each `**`, which may stand for no folder at all."""
        found = set()
        for part in parts:
            found.add(part)
            while part < self._last and self._parts[part] == _ANY_FOLDERS:
                part += 1
                found.add(part)
        return frozenset(part for part in found if part <= self._last)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder not in ("", "/") else f"{folder}{name}"


def _is_text(name: str) -> bool:
    """Whether a name is valid UTF-8: others have no place in JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # as a link to itself
        return False


def _is_link(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink()
    except OSError:
        return True
