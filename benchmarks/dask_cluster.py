"""A Dask cluster of real processes, as `dask scheduler` and `dask worker` start them."""

import os
import pickle
import secrets
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import psutil
from distributed import Client

from benchmarks.contestants.darkroom import free_port
from benchmarks.contestants.program import ROOT
from benchmarks.memory import own_seconds
from benchmarks.workloads import Picture
from processors.plan import Pipeline
from service.app import build_services
from service.engine.base import Task, WorkItem
from service.settings import load_settings
from service.transfer import FileSource, InlineSink

_DASK = Path(sys.executable).parent / "dask"
_START_SECONDS = 60
PRELOAD = "service.engine.dask_worker"


class DaskCluster(AbstractContextManager["DaskCluster"]):
    """A scheduler, and `workers` of one thread each, whose files are in `folder`."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._workers = workers
        self._processes: list[subprocess.Popen[bytes]] = []
        self._port = str(free_port())
        self.url = f"dask://127.0.0.1:{self._port}"
        self._address = f"tcp://127.0.0.1:{self._port}"

    def __enter__(self) -> "DaskCluster":
        where = ("--host", "127.0.0.1", "--port", self._port)
        scheduler = self._start("scheduler", *where, "--no-show")
        self.scheduler = psutil.Process(scheduler.pid)
        started = [
            self._start(
                "worker", self._address, "--nthreads", "1", "--no-nanny", "--preload", PRELOAD,
                "--local-directory", str(self._folder),
            )
            for _ in range(self._workers)
        ]  # fmt: skip
        self.workers = [psutil.Process(process.pid) for process in started]
        with Client(self._address, timeout=_START_SECONDS) as client:
            client.wait_for_workers(self._workers, timeout=_START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The scheduler last: who leaves tells it so.
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(_DASK), *arguments, "--no-dashboard"],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process


def milliseconds_a_task(cluster: DaskCluster, picture: Picture, tasks: int) -> float:
    """The scheduler's processor time for a task: here of one small image each, all at once."""
    folder = str(picture.path.parent)
    engine = build_services(load_settings(engine=cluster.url, read_roots=folder)).engine
    pipeline = pickle.dumps(Pipeline())
    try:
        engine.start()
        before = own_seconds(cluster.scheduler)
        begun = [engine.submit(_task(pipeline, picture)) for _ in range(tasks)]
        failed = [result.error for future in begun for result in future.result() if result.error]
        if failed:
            raise RuntimeError(f"images failed: {failed[0]}")
        return max(0.01, own_seconds(cluster.scheduler) - before) / tasks * 1000
    finally:
        engine.close(0)


def _task(pipeline: bytes, picture: Picture) -> Task:
    item = WorkItem(0, FileSource(str(picture.path)), InlineSink("0.png"))
    return Task(secrets.token_hex(8), pipeline, (item,))
