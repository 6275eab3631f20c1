"""The tasks of one batch that are under way, and its images that wait."""

import asyncio
from collections.abc import Callable, Sequence

from service.engine.admission import Ticket
from service.engine.base import ItemResult, WorkItem

TASKS_A_WORKER = 2
"""Under way for one batch: one that runs, and one that waits so that the worker does not."""

_MOST_ASIDE = 64
"""Images of one batch that wait: then no more images are begun, as their list would grow."""

_LOOK_SECONDS = 0.5
"""While no task ends, how often the batch is asked whether it was stopped."""

Running = asyncio.Task[list[ItemResult]]


class Window:
    """Belongs to one event loop.

    Images that are set aside, as they are large or as their workers were killed, are counted beside
    the window, not in it. `workers` says how many there are now.
    """

    def __init__(self, workers: Callable[[], int]) -> None:
        self._workers = workers
        self._groups: dict[Running, Sequence[WorkItem]] = {}
        self._tickets: dict[Running, Ticket] = {}
        self._aside: set[Running] = set()

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def missing(self) -> int:
        """How many more groups may be begun."""
        if len(self._aside) >= _MOST_ASIDE:
            return 0
        size = TASKS_A_WORKER * self._workers()
        return max(0, size - (len(self._groups) - len(self._aside)))

    def add(self, task: Running, group: Sequence[WorkItem]) -> None:
        """`task` gives one result for each of `group`, in their order."""
        self._groups[task] = group

    def set_aside(self, task: Running, item: WorkItem, ticket: Ticket | None = None) -> None:
        """`task` gives the result of `item`, after it has waited; for `ticket` if it is large."""
        self._groups[task] = (item,)
        self._aside.add(task)
        if ticket is not None:
            self._tickets[task] = ticket

    async def ended(self) -> list[tuple[WorkItem, ItemResult]]:
        """What the next tasks that end have given; nothing, when none does for a while.

        Raises EngineClosed.
        """
        done, _ = await asyncio.wait(
            self._groups, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        pairs: list[tuple[WorkItem, ItemResult]] = []
        for task in done:
            group = self._groups.pop(task)
            self._tickets.pop(task, None)
            self._aside.discard(task)
            if not task.cancelled():  # as one is that was withdrawn
                pairs += zip(group, task.result(), strict=True)
        return pairs

    def withdraw(self) -> None:
        """Let the large images that wait be, without results; those under way go on."""
        for ticket in self._tickets.values():
            ticket.withdraw()

    def abandon(self) -> None:
        """Let all images be, without results."""
        for task in self._groups:
            task.cancel()
