"""The memory of a contestant: the resident sets of all its processes, added up and sampled.

Pages that processes share (libraries, what was there before a fork) count in each of them.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

import psutil

_SAMPLE_SECONDS = 0.05
_LONGEST_SEARCH_SECONDS = 1.0
"""Between searches for child processes, which cost milliseconds; it begins shorter and doubles."""


class PeakMemory:
    """Samples while its block runs; then `peak` is the most that was seen, in bytes.

    `roots` is asked again and again, as a contestant may start processes meanwhile.
    """

    def __init__(
        self, roots: Callable[[], Iterable[psutil.Process]], children: bool = True
    ) -> None:
        self._roots = roots
        self._children = children
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        pause, search_at = _SAMPLE_SECONDS, 0.0
        processes: list[psutil.Process] = []
        while True:
            if time.monotonic() >= search_at:
                processes = self._search()
                pause = min(2 * pause, _LONGEST_SEARCH_SECONDS)
                search_at = time.monotonic() + pause
            self.peak = max(self.peak, sum(map(resident, processes)))
            if self._done.wait(_SAMPLE_SECONDS):
                return

    def _search(self) -> list[psutil.Process]:
        found = []
        for root in self._roots():
            try:
                found += [root, *(root.children(recursive=True) if self._children else ())]
            except psutil.NoSuchProcess:
                continue
        return found


def processor_seconds(roots: Iterable[psutil.Process]) -> float:
    """Processor time that the processes and their children have taken so far, in ticks of 10 ms."""
    return sum(
        own_seconds(process) for root in roots for process in (root, *root.children(recursive=True))
    )


def own_seconds(process: psutil.Process) -> float:
    """Processor time of one process, in ticks of 10 ms."""
    times = process.cpu_times()
    return float(times.user + times.system)


def resident(process: psutil.Process) -> int:
    """The resident set of one process in bytes; 0 when it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
