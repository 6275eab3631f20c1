"""Small images share a task: how many, and which."""

from collections.abc import Iterable, Iterator

from service.engine.base import Engine, ItemResult, WorkItem

WAITING_MILLISECONDS = 2000.0
"""What a group may take with reading and writing: a store is waited for, and for many at once."""

MAX_GROUP = 256
_SMOOTHING = 0.2
_LEAST_AT_END, _PARTS_AT_END = 4, 30
"""Groups of the last images are no smaller than so many images, or such a part of a whole group."""


class Grouping:
    """How many images the next task of a batch has, learnt from how long the last ones took.

    Near the end of a batch groups get smaller, so that all workers end at about the same time.
    `workers` is how many there are, `remaining` how many images are left, if that is known; a task
    should take `most` milliseconds.
    """

    def __init__(
        self,
        workers: int = 1,
        remaining: int | None = None,
        most: float = Engine.task_milliseconds,
    ) -> None:
        self._most = most
        self._milliseconds: float | None = None
        self._workers = workers
        self._remaining = remaining

    @property
    def size(self) -> int:
        if self._milliseconds is None:
            return 1
        usual = min(MAX_GROUP, int(self._most / self._milliseconds))
        if self._remaining is not None:
            least = max(_LEAST_AT_END, int(self._most / _PARTS_AT_END / self._milliseconds))
            usual = min(usual, max(least, self._remaining // (2 * self._workers)))
        return max(1, usual)

    def took(self, count: int) -> None:
        """Note that a group of `count` was made."""
        if self._remaining is not None:
            self._remaining -= count

    def learn(self, results: Iterable[ItemResult]) -> None:
        for result in results:
            if result.timings is not None:
                waited = result.taken * self._most / WAITING_MILLISECONDS
                taken = max(waited, result.timings.total, 0.01)
                before = taken if self._milliseconds is None else self._milliseconds
                self._milliseconds = before + _SMOOTHING * (taken - before)


def groups_of(items: Iterator[WorkItem], grouping: Grouping) -> Iterator[list[WorkItem]]:
    """The items in groups of the size that `grouping` says by then.

    An item that must not be done twice is in a group of its own.
    """
    group: list[WorkItem] = []
    for item in items:
        if not item.repeatable:
            yield from filter(None, (group, [item]))
            grouping.took(len(group) + 1)
            group = []
            continue
        group.append(item)
        if len(group) >= grouping.size:
            grouping.took(len(group))
            yield group
            group = []
    if group:
        yield group
