"""The parts of a pattern, between its slashes, and which of them names fit."""

import fnmatch
import re
from collections.abc import Iterable

WILDCARD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


class PatternParts:
    """Which parts may come next, by index, while names are looked at from the first folder down.

    So a pattern with many `**` costs what one with a single one does, and finds nothing twice.
    """

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._fits = [re.compile(fnmatch.translate(part)).match for part in parts]
        self._last = len(parts) - 1
        self.first = self._opened({0})
        """The parts that names in the first folder may fit."""

    def fitting(self, open: frozenset[int], name: str) -> list[int]:
        """Those of the parts that may come next which a name does fit."""
        return [part for part in open if self._fit(part, name)]

    def is_match(self, fitting: Iterable[int]) -> bool:
        """Whether a file is one that is asked for."""
        return self._last in fitting

    def behind(self, fitting: list[int], is_link: bool = False) -> frozenset[int]:
        """The parts that may come next below a folder; `**` follows no links."""
        following = {part + 1 for part in fitting if self._parts[part] != _ANY_FOLDERS}
        staying = {part for part in fitting if self._parts[part] == _ANY_FOLDERS}
        return self._opened(following if is_link else following | staying)

    def takes_all_folders(self, open: frozenset[int]) -> bool:
        """Whether there may be matches in any folder below."""
        return any(self._parts[part] == _ANY_FOLDERS for part in open)

    def _fit(self, part: int, name: str) -> bool:
        if name.startswith(".") and not self._parts[part].startswith("."):
            return False
        return self._fits[part](name) is not None

    def _opened(self, parts: set[int]) -> frozenset[int]:
        """`parts`, and those behind each `**`, which may stand for no folder at all."""
        found = set()
        for part in parts:
            found.add(part)
            while part < self._last and self._parts[part] == _ANY_FOLDERS:
                part += 1
                found.add(part)
        return frozenset(part for part in found if part <= self._last)
