"""How much the server process grows while one request has thousands of images."""

import shutil
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.contestants.darkroom import Server
from benchmarks.memory import PeakMemory, resident
from benchmarks.workloads import Picture, Work, Workload

_WARM_UP_IMAGES = 100


class Growth(NamedTuple):
    """Resident bytes of the server process alone: it holds references, its workers the pixels."""

    images: int
    size: str
    before: int
    peak: int
    after: int
    seconds: float


def measure(workload: Workload, pictures: list[Picture], images: int, folder: Path) -> Growth:
    """One batch of `images` on a fresh server that has done one small batch."""
    work = Work(workload, pictures, images, folder / "growth")
    with Server() as server:
        _run(server, replace(work, count=min(images, _WARM_UP_IMAGES)))
        process = server.processes[0]
        before = resident(process)
        with PeakMemory(lambda: [process], children=False) as memory:
            seconds = _run(server, work)
        after = resident(process)
    size = f"{pictures[0].width}x{pictures[0].height}"
    return Growth(images, size, before, max(memory.peak, after), after, seconds)


def _run(server: Server, work: Work) -> float:
    shutil.rmtree(work.folder, ignore_errors=True)
    work.folder.mkdir(parents=True)
    server.prepare(work)
    started = perf_counter()
    server.run()
    return perf_counter() - started
