"""How a cluster's throughput grows with its workers, simulated from costs that were measured.

A task passes an API server, the scheduler and a worker; the servers keep a window of tasks under
way, as Window does. Each station serves in the order of arrival. It is a closed queueing network,
run event by event.
"""

import heapq
from random import Random
from typing import NamedTuple

from service.engine.dask import DaskEngine
from service.engine.grouping import MAX_GROUP
from service.engine.window import TASKS_A_WORKER

_SEED = 11
_SPREAD = 0.2
"""Of the time of a task in a worker, around its mean: images differ."""

_TASKS_A_WORKER, _LEAST_TASKS = 12, 2000
"""Simulated; the first fifth, in which the stations fill, is not counted."""


class Costs(NamedTuple):
    """Milliseconds of a processor: of a worker and an API server for an image, of the scheduler for
    a task of `group` images.
    """

    worker: float
    server: float
    scheduler: float

    @property
    def group(self) -> int:
        """Images a task, as the dispatcher groups them."""
        return max(1, min(MAX_GROUP, round(DaskEngine.task_milliseconds / self.worker)))

    @property
    def most_workers_a_server(self) -> float:
        """That one API server keeps busy."""
        return self.worker / self.server

    @property
    def most_workers(self) -> float:
        """That the scheduler keeps busy."""
        return self.worker * self.group / self.scheduler

    def needed_servers(self, workers: int) -> int:
        """API servers that keep as many workers busy, to nine tenths of what they can do."""
        return max(1, -int(-workers // (0.9 * self.most_workers_a_server)))


def throughput(costs: Costs, workers: int, servers: int) -> float:
    """Images a second."""
    tasks = max(_LEAST_TASKS, _TASKS_A_WORKER * workers)
    random = Random(_SEED)
    free = [[0.0] * servers, [0.0], [0.0] * workers]
    for station in free:
        heapq.heapify(station)
    window = [(0.0, 0)] * (TASKS_A_WORKER * workers)
    ends: list[float] = []
    while len(ends) < tasks:
        moment, at = heapq.heappop(window)
        begin = max(moment, heapq.heappop(free[at]))
        end = begin + _time(costs, at, random)
        heapq.heappush(free[at], end)
        if at == len(free) - 1:
            ends.append(end)
        heapq.heappush(window, (end, (at + 1) % len(free)))
    ends.sort()
    counted = ends[tasks // 5 :]
    return (len(counted) - 1) * costs.group / (counted[-1] - counted[0]) * 1000


def _time(costs: Costs, at: int, random: Random) -> float:
    if at == 0:
        return costs.server * costs.group
    if at == 1:
        return costs.scheduler
    return costs.worker * costs.group * random.uniform(1 - _SPREAD, 1 + _SPREAD)
