"""What the images of a batch write, as far as that is known before they are done."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from service.jobs.places import Places

_NUMBER = re.compile("[ 0-9]+")
"""What a width may be filled in as, with what is beside it: {width:5} fills up with spaces."""

_OF_SEVERAL = re.compile(r"_[0-9]+(?=(?:\.[^./]*)?$)")
"""What a name gets for each of several results, before its extension."""


class Target(NamedTuple):
    """Where an output goes.

    Where the result's size is a part of its name, `template` is that name, for `str.format`, and
    `place` is for a result of no size.
    """

    place: str
    template: str | None


def target_of(places: Places, path: str, is_template: bool) -> Target:
    """The target of an output as BatchImage has it, `open` or not. It reads the disk."""
    if not is_template:
        return Target(places.of(path), None)
    filled = path.format(width=0, height=0)
    has_size = filled != path.format(width=1, height=1)
    return Target(places.of(filled), path.rpartition("/")[2] if has_size else None)


class Written:
    """The places that targets may be, with any size and any number of results.

    A place counts also where it differs from such a one by other numbers in its name alone.
    """

    def __init__(self) -> None:
        self._places: set[str] = set()
        self._open: set[Target] = set()
        self._alike: set[str] = set()

    def add(self, targets: Sequence[Target]) -> bool:
        """Add those of an image; gives whether one of them was there before.

        What an image writes twice, only its worker knows: it may be numbered, and have sizes in it.
        """
        taken = any(
            target.place in self._places if target.template is None else target in self._open
            for target in targets
        )
        for target in targets:
            if target.template is None:
                self._places.add(target.place)
            else:
                self._open.add(target)
                self._alike.add(_without_numbers(target.place))
        return taken

    def __contains__(self, place: str) -> bool:
        return self._has(place) or self._has(_OF_SEVERAL.sub("", place))

    def _has(self, place: str) -> bool:
        return place in self._places or (
            bool(self._alike) and _without_numbers(place) in self._alike
        )


def _without_numbers(place: str) -> str:
    folder, _, name = place.rpartition("/")
    return f"{folder}/{_NUMBER.sub('0', name)}"
