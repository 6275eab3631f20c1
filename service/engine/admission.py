"""Who may work at the same time, by the memory that images are estimated to take.

Small images are always admitted: all processes at once with one each take a quarter of the budget
at most, so that nothing has to be counted for them. Larger ones share the rest of it. They wait
here, where they hold no worker, and so the small ones flow past.

An image is estimated by the worker that was given it, from its header; see Deferred.
"""

import threading
from collections import deque
from concurrent.futures import Future

_LANES = 2
"""Processes for each worker that the settings name: as many do single images (local.py)."""

_SMALL_SHARE = 4
"""Part of the budget that is kept for small images: one fourth."""


def small_bytes(budget: int, workers: int) -> int:
    """The most that an image may be estimated to take that need not be admitted."""
    return budget // (_SMALL_SHARE * _LANES * workers)


class Ticket:
    """A large image that waits, or is under way: `admitted` is done as soon as it may be begun."""

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.admitted: Future[None] = Future()

    def withdraw(self) -> None:
        """Wait no more; one that was admitted stays so."""
        self.admitted.cancel()


class Admission:
    """Lets large images in, first those that somebody waits for, else in their order.

    One that is larger than all of the budget is let in when no other is under way. Besides the
    bytes their number is bounded, so that those that fit do not crowd out other batches' images.
    Its methods may be called from any thread, and never wait.
    """

    def __init__(self, budget: int, workers: int) -> None:
        processes = _LANES * workers
        self._room = budget - processes * small_bytes(budget, workers)
        self._most = processes
        self._lock = threading.Lock()
        self._urgent: deque[Ticket] = deque()
        self._patient: deque[Ticket] = deque()
        self._inside: set[Ticket] = set()

    def enter(self, weight: int, urgent: bool = False) -> Ticket:
        """A ticket for an image of `weight` bytes; who has it calls `leave` once, in any case."""
        ticket = Ticket(weight)
        with self._lock:
            (self._urgent if urgent else self._patient).append(ticket)
        self._let_in()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """The image is done, or is not to be done any more. Idempotent."""
        with self._lock:
            self._inside.discard(ticket)
            for queue in (self._urgent, self._patient):
                if ticket in queue:
                    queue.remove(ticket)
        self._let_in()

    def load(self) -> tuple[int, int]:
        """The bytes that large images under way are estimated to take, and how many wait."""
        with self._lock:
            return self._taken(), len(self._urgent) + len(self._patient)

    def _let_in(self) -> None:
        for ticket in self._fitting():
            # Not with the lock held: it calls back.
            if ticket.admitted.set_running_or_notify_cancel():
                ticket.admitted.set_result(None)

    def _fitting(self) -> list[Ticket]:
        found = []
        with self._lock:
            while (queue := self._urgent or self._patient) and self._fits(queue[0]):
                found.append(queue.popleft())
                self._inside.add(found[-1])
        return found

    def _fits(self, ticket: Ticket) -> bool:
        if not self._inside:
            return True
        room = self._room - self._taken()
        return len(self._inside) < self._most and ticket.weight <= room

    def _taken(self) -> int:
        return sum(ticket.weight for ticket in self._inside)
