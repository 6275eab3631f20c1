"""The server as users start it: `python main.py serve` in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import psutil

ROOT = Path(__file__).parent.parent
_ADDRESS = re.compile(r"running on http://([\d.]+):(\d+)")
_PATIENCE = 60.0


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with no setting of Darkroom but these: `workers=1`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
    return kept | {f"DARKROOM_{name.upper()}": str(value) for name, value in settings.items()}


class LiveServer:
    """A running server. Entering waits until it listens, leaving ends it and all its workers."""

    def __init__(self, folder: Path, *arguments: str, **settings: object) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "serve", "--port", "0", *arguments],
            cwd=folder,
            env=environment(**settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = ""

    def __enter__(self) -> Self:
        found = _ADDRESS.search(self.wait_for(_ADDRESS.pattern))
        assert found is not None
        self.url = f"http://{found[1]}:{found[2]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    @property
    def address(self) -> tuple[str, int]:
        url = httpx2.URL(self.url)
        assert url.port is not None
        return url.host, url.port

    def client(self, timeout: float = _PATIENCE) -> httpx2.Client:
        """A client of its own connection, which uses no proxy of the environment."""
        return httpx2.Client(base_url=self.url, timeout=timeout, trust_env=False)

    def ready(self) -> Self:
        """Wait until the workers are there."""
        with self.client() as client:
            client.get("/readyz").raise_for_status()
        return self

    def family(self) -> list[psutil.Process]:
        """All processes that the server has started, however indirectly."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def workers(self) -> list[psutil.Process]:
        """The processes that do image work: children of the forkserver."""
        children = psutil.Process(self.process.pid).children()
        return [worker for child in children for worker in child.children()]

    def wait_for(self, pattern: str, timeout: float = _PATIENCE) -> str:
        """The first line of the log that `pattern` is found in, as soon as it is there."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._first(pattern), timeout)
        line = self._first(pattern)
        assert line is not None, f"no line {pattern!r} in:\n" + "\n".join(self.lines)
        return line

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = _PATIENCE) -> int:
        """Wait until the process has ended and its log is read; give its exit code."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def _first(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def until(condition: Callable[[], bool], timeout: float = _PATIENCE) -> None:
    """Wait for what has no event: a state of other processes, seen from outside."""
    pause, deadline = threading.Event(), time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not so after {timeout} s"
        pause.wait(0.02)
