"""`python main.py batch --server URL`: a batch as a job of a server, followed to its end."""

import json
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

import typer
from rich.console import Console

from service.cli import report
from service.cli.job_tally import JobTally, failures_of
from service.cli.output import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_TERMINATED,
    console,
)
from service.cli.server import Server, ServerError, ServerLost
from service.cli.tally import SHOWN_FAILURES
from service.logs import escape


class Terminated(BaseException):
    """SIGTERM."""


def run(body: Any, url: str, api_key: str | None, as_json: bool, quiet: bool) -> int:
    """Submit `body`, a request as `body_of` gives it, and follow its job. Gives the exit code."""
    stderr = console(stderr=True)
    try:
        with closing(Server(url, api_key)) as server, _raising_on_sigterm():
            return _Run(server, body, as_json, quiet, stderr).to_the_end()
    except (KeyboardInterrupt, Terminated) as stop:
        stderr.print(f"stopped; {url.rstrip('/')}/v1/jobs shows whether the server has the job")
        return _code_of(stop)
    except ServerError as error:
        stderr.print(str(error))
        return EXIT_FAILED if isinstance(error, ServerLost) else EXIT_REFUSED


@dataclass
class _Run:
    """One batch. The key is made once, so that a request which was cut off can be sent again."""

    server: Server
    body: Any
    as_json: bool
    quiet: bool
    stderr: Console

    def to_the_end(self) -> int:
        """Raises ServerError where nothing was begun, or it is not known whether it was."""
        # Through `json`, in ASCII: a file's name need not be valid UTF-8.
        content = json.dumps(self.body, default=asdict).encode()
        key = secrets.token_hex(16)
        tally = JobTally(self.server.submit(content, key))
        try:
            self._follow_or_cancel(tally)
            self._show(tally, content, key)
            code = tally.exit_code()
        except (KeyboardInterrupt, Terminated) as stop:
            self._say_it_goes_on(tally)
            code = _code_of(stop)
        except ServerError as error:
            self.stderr.print(str(error))
            self._say_it_goes_on(tally)
            code = EXIT_FAILED
        return code

    def _follow_or_cancel(self, tally: JobTally) -> None:
        """Raises KeyboardInterrupt when the job is to be left running."""
        try:
            self._follow(tally)
        except KeyboardInterrupt:
            if not self._is_to_be_cancelled():
                raise
            self.server.cancel(tally.job.id)
            self._follow(tally)

    def _follow(self, tally: JobTally) -> None:
        with report.progress(self.stderr, tally, self.quiet) as changed:
            for job in self.server.events(tally.job.id):
                tally.job = job
                changed()

    def _is_to_be_cancelled(self) -> bool:
        """Ask, where there is somebody to answer."""
        if not (sys.stdin.isatty() and self.stderr.is_terminal):
            return False
        try:
            return typer.confirm("Cancel the job?", default=False, err=True)
        except typer.Abort:
            return False

    def _say_it_goes_on(self, tally: JobTally) -> None:
        self.stderr.print(f"the job goes on: {self.server.address(tally.job.id)}")

    def _show(self, tally: JobTally, content: bytes, key: str) -> None:
        id = tally.job.id
        if self.as_json:
            print(self.server.answer(content, key))
        if not self.quiet:
            self._show_left_out()
        if not (self.quiet or self.as_json):
            found = self.server.failures(id, SHOWN_FAILURES)
            tally.failures = failures_of(found, dict(enumerate(self.body.get("operations", ()))))
            report.show_failures(self.stderr, tally)
        if tally.job.error is not None:
            self.stderr.print(report.problem_text(tally.job.error))
        self.stderr.print(tally.summary())

    def _show_left_out(self) -> None:
        for warning in self.server.left_out(self.body):
            self.stderr.print(escape(f"left out: {warning.pointer}: {warning.detail}"))


def _code_of(stop: BaseException) -> int:
    return EXIT_TERMINATED if isinstance(stop, Terminated) else EXIT_INTERRUPTED


@contextmanager
def _raising_on_sigterm() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
