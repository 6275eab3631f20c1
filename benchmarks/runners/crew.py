"""Runs one function over a list of jobs, in this process, in threads, or in processes."""

import json
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.workloads import Job

Process = Callable[[Job, "Orders"], None]
Prepare = Callable[[], Process]
"""Imports the library and gives the function; called in each process, after it was forked."""

Run = Callable[["Orders"], None]


class Orders(NamedTuple):
    """What `load` reads: the same for all jobs, and the jobs."""

    quality: int
    blur: tuple[int, float] | None
    jobs: list[Job]

    @classmethod
    def read(cls, path: str) -> "Orders":
        content = json.loads(Path(path).read_bytes())
        jobs = [Job(*job) for job in content["jobs"]]
        blur = tuple(content["blur"]) if content["blur"] else None
        return cls(content["quality"], blur, jobs)


def serve(prepare: Prepare, processes: int = 1, threads: int = 1) -> None:
    """Answer the commands of standard input until it ends."""
    load: Callable[[str], Any] = Orders.read
    if processes > 1:
        crew = _Crew(prepare, processes)
        load, run = crew.load, crew.run
    elif threads > 1:
        run = partial(_in_threads, prepare(), ThreadPoolExecutor(threads), threads)
    else:
        run = partial(_in_turn, prepare())
    orders: Any = None
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "load":
            orders = load(path)
        else:
            run(orders)
        print("done", flush=True)


def _in_turn(process: Process, orders: Orders) -> None:
    for job in orders.jobs:
        process(job, orders)


def _in_threads(process: Process, pool: ThreadPoolExecutor, threads: int, orders: Orders) -> None:
    indexes = count()  # next() on it is atomic

    def work(_: int) -> None:
        while (index := next(indexes)) < len(orders.jobs):
            process(orders.jobs[index], orders)

    list(pool.map(work, range(threads)))


class _Crew:
    """Processes that take the next job each from one counter: no dispatch, and none idles."""

    def __init__(self, prepare: Prepare, processes: int) -> None:
        context = multiprocessing.get_context("fork")
        self._next = context.Value("q", 0)
        self._pipes = [_forked(context, prepare, self._next) for _ in range(processes)]

    def load(self, path: str) -> None:
        self._tell(path)

    def run(self, _: object) -> None:
        self._next.value = 0
        self._tell("")

    def _tell(self, message: str) -> None:
        for pipe in self._pipes:
            pipe.send(message)
        for pipe in self._pipes:
            pipe.recv()


def _forked(context: ForkContext, prepare: Prepare, indexes: "Synchronized[int]") -> Connection:
    ours, theirs = context.Pipe()
    context.Process(target=_worker, args=(prepare, theirs, indexes), daemon=True).start()
    theirs.close()
    return ours


def _worker(prepare: Prepare, pipe: Connection, indexes: "Synchronized[int]") -> None:
    process = prepare()
    orders = Orders(0, None, [])
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        if path:
            orders = Orders.read(path)
        else:
            _take_turns(process, orders, indexes)
        pipe.send(None)


def _take_turns(process: Process, orders: Orders, indexes: "Synchronized[int]") -> None:
    while True:
        with indexes.get_lock():
            index = indexes.value
            indexes.value += 1
        if index >= len(orders.jobs):
            return
        process(orders.jobs[index], orders)
