"""A Dask cluster of real processes on this machine, as `dask scheduler` and `dask worker` start it.

Its workers know the operations of tests/plugins.py, as every process that can import them does.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from service.engine.base import Engine
from service.engine.dask import DaskEngine
from service.engine.dask_cluster import Tls
from tests.live import ROOT, environment, until
from tests.workshop import Workshop

DASK = str(Path(sys.executable).parent / "dask")
PRELOAD = "service.engine.dask_worker"
PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class DaskCluster:
    """A scheduler, and workers of one thread each. Leaving ends all of their processes.

    With `nannies` a worker that was killed is started again, as it is by default. `tls` are the
    files of the cluster, `preload` is what its workers load; empty for workers that know nothing
    of images.
    """

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        nannies: bool = False,
        tls: Tls | None = None,
        preload: str = PRELOAD,
        port: int | None = None,
    ) -> None:
        self._folder = folder
        self._tls = tls
        self._preload = preload
        self._nannies = nannies
        self._port = free_port() if port is None else port
        self._count = 0
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()
        self.add_workers(workers)

    @property
    def address(self) -> str:
        return f"{'tcp' if self._tls is None else 'tls'}://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """What DARKROOM_ENGINE is set to."""
        return self.address.replace("tcp://", "dask://")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in (*self.workers, self.scheduler):
            end(process)

    def ready(self) -> Self:
        """Wait until the scheduler knows as many workers as were started."""
        log = self._folder / "scheduler.log"
        until(lambda: log.read_text().count("Starting worker compute stream") >= self._count)
        return self

    def start_scheduler(self) -> None:
        """Start it, or start it again at the same address."""
        where = ("--host", self.address.rpartition(":")[0], "--port", str(self._port))
        self.scheduler = self._start("scheduler", *where, "--no-show", *self._files())

    def add_workers(self, count: int, preload: str | None = None) -> None:
        nanny = "--nanny" if self._nannies else "--no-nanny"
        preload = self._preload if preload is None else preload
        for _ in range(count):
            self._count += 1
            self.workers.append(
                self._start(
                    "worker",
                    self.address,
                    *("--nthreads", "1", nanny, "--host", "127.0.0.1"),
                    *("--name", f"worker-{self._count}", "--local-directory", str(self._folder)),
                    *(("--preload", preload) if preload else ()),
                    *self._files(),
                )
            )

    def kill_worker(self, number: int = 0) -> None:
        """SIGKILL a Dask worker, and wait until it and its children are gone."""
        killed = self.workers.pop(number)
        end(killed)

    def kill_scheduler(self) -> None:
        """SIGKILL it. Workers end when they lose their scheduler."""
        self.scheduler.kill()
        self.scheduler.wait()

    def restart(self) -> None:
        """Start the scheduler again, and what starts workers where they run: here, as many."""
        count = len(self.workers)
        for worker in self.workers:
            end(worker, kill=False)
        self.workers.clear()
        self.start_scheduler()
        self.add_workers(count)

    def _files(self) -> Sequence[str]:
        if self._tls is None:
            return ()
        files = self._tls
        return (
            *("--tls-ca-file", str(files.authority)),
            *("--tls-cert", str(files.certificate)),
            *("--tls-key", str(files.key)),
        )

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        log = (self._folder / f"{arguments[0]}.log").open("ab")
        with log:
            return subprocess.Popen(
                [DASK, *arguments, "--no-dashboard"],
                cwd=self._folder,
                env=environment() | {"PYTHONPATH": path},
                stdout=log,
                stderr=log,
            )


def end(process: subprocess.Popen[bytes], kill: bool = True) -> None:
    """Wait for the end of a process and of what it has started; `kill` them first."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if kill:
        process.kill()
    process.wait(PATIENCE)
    until(lambda: not any(map(_lives, family)))


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; who has lost its parent may be dead and not buried for a while."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def dask_engine(
    workshop: Workshop, workers: int, timeout: float, cluster: DaskCluster, patience: float = 10.0
) -> Iterator[Engine]:
    """An engine of a cluster; `workers` is what its tests or benchmarks expect there."""
    engine = DaskEngine(workshop.config, workers, timeout, cluster.address, patience)
    try:
        yield engine
    finally:
        engine.close(0)
