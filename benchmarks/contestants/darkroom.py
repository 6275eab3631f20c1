"""Darkroom itself: over HTTP, and from its command line."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.contestants.base import Contestant, Running, Unavailable
from benchmarks.contestants.program import ROOT
from benchmarks.inputs import scratch
from benchmarks.workloads import Work, Workload

_START_SECONDS = 60
_WORKERS = "2"


def request_body(work: Work) -> bytes:
    """The JSON of `POST /v1/batches`, and of a request file."""
    jobs = work.jobs()
    body = {
        "images": [{"input": job.input, "output": job.output} for job in jobs],
        "operations": work.workload.operations,
        "encode": {"quality": work.workload.quality},
    }
    return json.dumps(body).encode()


def environment() -> dict[str, str]:
    """Two workers, as the others have; inputs and results lie in the scratch folder."""
    return os.environ | {
        "DARKROOM_WORKERS": _WORKERS,
        "DARKROOM_READ_ROOTS": f"{scratch()},{tempfile.gettempdir()}",
        "DARKROOM_WRITE_ROOTS": f"{scratch()},{tempfile.gettempdir()}",
        "DARKROOM_LOG_LEVEL": "warning",
    }


class Server(Running):
    """`python main.py serve`, and a client with one connection to it.

    `settings` are those of the service beside what all runs have: `store="sqlite:///..."`.
    """

    def __init__(self, **settings: str) -> None:
        port = free_port()
        command = [sys.executable, "main.py", "serve", "--port", str(port)]
        more = {f"DARKROOM_{name.upper()}": value for name, value in settings.items()}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment() | more)
        self.processes = [psutil.Process(self._process.pid)]
        self.address = ("127.0.0.1", port)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=None)
        self._body = b""
        self._await_ready()

    def prepare(self, work: Work) -> None:
        self._body = request_body(work)

    def run(self) -> None:
        headers = {"Content-Type": "application/json"}
        response = self.client.post("/v1/batches", content=self._body, headers=headers)
        response.raise_for_status()
        # The counts come before the results: no need to read megabytes of JSON on the clock.
        if b'"failed":0,"skipped":0' not in response.content[:1000]:
            raise RuntimeError(f"images failed: {response.text[:1000]}")

    def close(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(30)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self.client.get("/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.close()
        raise RuntimeError("the server did not start")


class Http(Contestant):
    name = "http"
    title = "Darkroom, POST /v1/batches"

    def start(self, workload: Workload, variant: str) -> Running:
        return Server()


class Command(Running):
    """`python main.py batch REQUEST`, started at each run."""

    def __init__(self) -> None:
        self.processes = []
        self._request = Path()

    def prepare(self, work: Work) -> None:
        self._request = work.folder.with_suffix(".json")
        self._request.write_bytes(request_body(work))

    def run(self) -> None:
        command = [sys.executable, "main.py", "batch", str(self._request)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            self.processes = [psutil.Process(process.pid)]
            said, _ = process.communicate()
        self.processes = []
        if process.returncode:
            raise RuntimeError(f"{command} failed with code {process.returncode}: {said}")

    def close(self) -> None:
        """Nothing runs between runs."""


class CommandLine(Contestant):
    name = "cli"
    title = "Darkroom, main.py batch"
    longer = 3
    starts_each_run = True

    def check(self) -> None:
        help_ = subprocess.run(
            [sys.executable, "main.py", "batch", "--help"], cwd=ROOT, capture_output=True
        )
        if help_.returncode:
            raise Unavailable("main.py has no command `batch`")

    def start(self, workload: Workload, variant: str) -> Running:
        return Command()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
