"""The files or objects that a pattern matches, found as they are asked for, below the read roots
only.

`*` and `?` stand for characters of one name, `[...]` for one of some, `**` for any folders. As in a
shell, names that begin with a dot have to be asked for, and `**` follows no links.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import NamedTuple, Protocol

from service.jobs.pattern_parts import WILDCARD, PatternParts
from service.remote.urls import WEB_SCHEMES, is_url, scheme_of, split_scheme
from service.storage import MAX_DEPTH, Storage, StorageError

MOST_ENTRIES = 2_000_000
"""That one search looks at: some seconds of work."""

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


class Entry(Protocol):
    """What is in a folder: os.DirEntry, or the same of an object store."""

    @property
    def name(self) -> str: ...
    def is_file(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def is_symlink(self) -> bool: ...


Listing = Callable[[str], AbstractContextManager[Iterable[Entry]]]
"""What is in the folder of that path."""

Tree = Callable[[str], Iterator[str] | None]
"""All paths below a folder, as they are spelt there; None where that takes a walk."""


def is_pattern(storage: Storage, path: str) -> bool:
    """Whether `path` has a wildcard, and is no file itself. It reads the disk, or asks the store.

    The address of an image on the web is none: its `?` begins a query, and it lists nothing.
    """
    if not WILDCARD.search(path):
        return False
    if is_url(path):
        return scheme_of(path) not in WEB_SCHEMES and storage.state_of_input(path) == (0, 0)
    return not os.path.lexists(os.path.join(storage.base, path))


def matches(storage: Storage, pattern: str, search: Search | None = None) -> Iterator[str]:
    """The paths that match, each once: those in a folder by name, then those in its folders.

    They are spelt as the pattern is: relative where it is. Raises a StorageError for a pattern
    whose fixed part lies outside the read roots; SearchStopped and SearchTooLong come while the
    paths are asked for, and StorageErrors of an object store do.
    """
    scheme, rest = split_scheme(pattern)
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    fixed = next((at for at, part in enumerate(parts) if WILDCARD.search(part)), len(parts))
    start = scheme + "/".join(parts[:fixed])
    start = f"/{start}" if pattern.startswith("/") else start
    storage.resolve_folder(start or ".")
    if pattern.endswith("/"):
        return iter(())  # it names folders, and those are no images
    listing, tree = _objects(storage) if scheme else _files(storage)
    return _Walk(listing, tree, PatternParts(parts[fixed:]), search or Search()).below(start)


def _files(storage: Storage) -> tuple[Listing, Tree]:
    def listing(folder: str) -> AbstractContextManager[Iterable[Entry]]:
        try:
            return os.scandir(storage.resolve_folder(folder or "."))
        except (OSError, StorageError):  # one that is forbidden is as one that is empty
            return nullcontext(())

    return listing, lambda folder: None


def _objects(storage: Storage) -> tuple[Listing, Tree]:
    return lambda folder: nullcontext(storage.entries(folder)), storage.tree


class _Folder(NamedTuple):
    """A folder to look into, and the parts of the pattern that its entries may fit, by index."""

    path: str
    open: frozenset[int]
    depth: int


class _Walk:
    """Looks into each folder once, for all parts of the pattern that may come next there."""

    def __init__(self, listing: Listing, tree: Tree, parts: PatternParts, search: Search) -> None:
        self._listing = listing
        self._tree = tree
        self._parts = parts
        self._search = search

    def below(self, start: str) -> Iterator[str]:
        waiting = [_Folder(start, self._parts.first, 0)]
        while waiting:
            folder = waiting.pop()
            if (paths := self._all_below(folder)) is not None:
                yield from self._sorted(folder, paths)
                continue
            inner = []
            for entry, fitting in self._entries(folder):
                path = _joined(folder.path, entry.name)
                if self._parts.is_match(fitting) and _is_file(entry):
                    yield path
                elif further := self._further(entry, fitting):
                    inner.append(_Folder(path, further, folder.depth + 1))
            waiting += [found for found in reversed(inner) if found.depth <= MAX_DEPTH]

    def _entries(self, folder: _Folder) -> list[tuple[Entry, list[int]]]:
        """Those that fit some part, in the order of their names; what a disk refuses is left out.

        Raises a StorageError where an object store does.
        """
        self._search.ask()
        found = []
        with suppress(OSError), self._listing(folder.path) as entries:
            for entry in entries:
                self._search.count()
                fitting = self._parts.fitting(folder.open, entry.name)
                if self._matters(entry, fitting):
                    found.append((entry, fitting))
        return sorted(found, key=lambda pair: pair[0].name)

    def _matters(self, entry: Entry, fitting: list[int]) -> bool:
        # `**` fits every file, and is to keep none of a million.
        if not fitting or not _is_text(entry.name):
            return False
        return self._parts.is_match(fitting) or _is_folder(entry)

    def _further(self, entry: Entry, fitting: list[int]) -> frozenset[int]:
        """The parts that may come next below `entry`: none if it is no folder to look into."""
        if not _is_folder(entry):
            return frozenset()
        return self._parts.behind(fitting, _is_link(entry))

    def _all_below(self, folder: _Folder) -> Iterator[str] | None:
        """Where each folder has to be looked into, a store tells of a thousand at once."""
        return self._tree(folder.path) if self._parts.takes_all_folders(folder.open) else None

    def _sorted(self, folder: _Folder, paths: Iterable[str]) -> list[str]:
        """Those that match, in the order that a walk would find them in."""
        self._search.ask()
        found, parent, open = [], "", folder.open
        for path in paths:
            self._search.count()
            above, _, name = path.rpartition("/")
            if above != parent:  # they come folder by folder, more or less
                parent, open = above, self._open_in(folder, above)
            if self._parts.is_match(self._parts.fitting(open, name)):
                found.append(path)
        return [_joined(folder.path, path) for path in sorted(found, key=_walk_order)]

    def _open_in(self, folder: _Folder, inner: str) -> frozenset[int]:
        """The parts that names in a folder below may fit."""
        open = folder.open
        for name in inner.split("/") if inner else ():
            open = self._parts.behind(self._parts.fitting(open, name))
        return open


def _walk_order(path: str) -> list[tuple[bool, str]]:
    """A key to sort by: the files of a folder before its folders, both by name."""
    *folders, name = path.split("/")
    return [*((True, folder) for folder in folders), (False, name)]


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder not in ("", "/") else f"{folder}{name}"


def _is_text(name: str) -> bool:
    """Whether a name is valid UTF-8: others have no place in JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_file(entry: Entry) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: Entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # as a link to itself
        return False


def _is_link(entry: Entry) -> bool:
    try:
        return entry.is_symlink()
    except OSError:
        return True
