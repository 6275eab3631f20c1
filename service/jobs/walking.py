"""The files that a pattern matches, found as they are asked for, below the read roots only.

`*` and `?` stand for characters of one name, `[...]` for one of some, `**` for any folders. As in a
shell, names that begin with a dot have to be asked for, and `**` follows no links.
"""

import fnmatch
import os
import re
from collections.abc import Iterator

from service.storage import MAX_DEPTH, Storage, StorageError

_WILDCARD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


def is_pattern(storage: Storage, path: str) -> bool:
    """Whether `path` has a wildcard, and is no file itself. It reads the disk."""
    return bool(_WILDCARD.search(path)) and not os.path.lexists(os.path.join(storage.base, path))


def matches(storage: Storage, pattern: str) -> Iterator[str]:
    """The paths that match, folder by folder in the order of their names, each once.

    They are spelt as the pattern is: relative where it is. Raises a StorageError for a pattern
    whose fixed part lies outside the read roots.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    fixed = next((at for at, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    start = "/".join(parts[:fixed])
    start = f"/{start}" if pattern.startswith("/") else start
    storage.resolve_folder(start or ".")
    rest = parts[fixed:]
    # A second `**` beside the first means nothing more, and would find each file again.
    rest = [
        part
        for before, part in zip(["", *rest], rest, strict=False)
        if not (before == part == _ANY_FOLDERS)
    ]
    found = _below(storage, start, rest, 0)
    if rest.count(_ANY_FOLDERS) > 1:  # `**/a/**` finds what lies below a/a twice
        found = iter(dict.fromkeys(found))
    return found


def _below(storage: Storage, folder: str, parts: list[str], depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    part, rest = parts[0], parts[1:]
    any_folders = part == _ANY_FOLDERS
    if any_folders and rest:
        yield from _below(storage, folder, rest, depth)
    for entry in _entries(storage, folder):
        path = f"{folder}/{entry.name}" if folder not in ("", "/") else f"{folder}{entry.name}"
        if any_folders:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _below(storage, path, parts, depth + 1)
            elif not rest and _is_file(entry) and not entry.name.startswith("."):
                yield path
        elif not _fits(entry.name, part):
            continue
        elif rest and entry.is_dir():
            yield from _below(storage, path, rest, depth + 1)
        elif not rest and _is_file(entry):
            yield path


def _entries(storage: Storage, folder: str) -> list["os.DirEntry[str]"]:
    """In the order of their names; none for a folder that may not be read."""
    try:
        real = storage.resolve_folder(folder or ".")
        with os.scandir(real) as entries:
            named = [entry for entry in entries if _is_text(entry.name)]
            return sorted(named, key=lambda entry: entry.name)
    except (OSError, StorageError):
        return []


def _is_text(name: str) -> bool:
    """Whether a name is valid UTF-8: others have no place in JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
