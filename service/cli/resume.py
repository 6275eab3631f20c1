"""`python main.py batch --resume`: a batch as a job of this process, that a kill does not end.

The job is kept in a database of its own beside that of the service, named after the request: no
server takes it up, which may have another working directory, and other folders to write to.
"""

import asyncio
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr
from rich.console import Console

from schemas.batches import BatchRequest, EndState
from schemas.jobs import ENDED, Job
from service.app import SQLITE, build_services
from service.cli import embedded, report
from service.cli.job_tally import JobTally, failures_of
from service.cli.output import EXIT_INTERRUPTED, EXIT_TERMINATED, console
from service.cli.requests import Arguments, body_of, settings_for, validated, with_recipe
from service.cli.tally import SHOWN_FAILURES
from service.environment import SettingsError
from service.jobs.stored import new_job
from service.services import Services
from service.settings import Settings
from service.submission import refused_as_invalid
from service.views import RESULT, batch_response, job_view, operation_warning

_DEFAULT_FOLDER = Path("data")
_POLL_SECONDS = 1.0
_PAGE = 1000


class RunsAlready(SettingsError):
    """Another process does the same."""


def run(files: list[str], arguments: Arguments, as_json: bool, quiet: bool) -> int:
    """Begin the batch, or go on with it. Gives the exit code.

    Raises PatternError, SettingsError, RequestError, RunsAlready, StoreError.
    """
    body = body_of(files, arguments)
    settings = settings_for(arguments)
    request = with_recipe(validated(body), settings)
    key = _key_of(body if files else asdict(arguments))
    path = _path_of(settings, key)
    services = _services_at(settings, path)
    services.check_counts((), request.operations)
    services.check_job(request.images if files else ())
    with _held(path):
        batch = Resumable(services, request, key, console(stderr=True), as_json, quiet)
        code = batch.run()
        if batch.finished:
            _forget(path)
    return code


def _key_of(request: Any) -> str:
    """The name of what is asked for: the same command in the same folder has the same one."""
    content = json.dumps([str(Path.cwd()), request], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _path_of(settings: Settings, key: str) -> Path:
    """The database of the job with that key."""
    url = settings.store.store.get_secret_value()
    of_sqlite = url.startswith(SQLITE)
    folder = Path(url.removeprefix(SQLITE)).parent if of_sqlite else _DEFAULT_FOLDER
    return folder / "resume" / f"{key}.db"


def _services_at(settings: Settings, path: Path) -> Services:
    """The parts to run a job with that is kept at `path`."""
    store = settings.store.model_copy(update={"store": SecretStr(f"{SQLITE}{path}")})
    return build_services(settings.model_copy(update={"store": store}))


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the database at `path` for this process alone, as long as it lives.

    Raises RunsAlready.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # SQLite's own locks are of another kind (POSIX), and not in the way of this one.
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(held)
        yield
    finally:
        os.close(held)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunsAlready("the same command is running already: wait for its end") from None


def _forget(path: Path) -> None:
    """Remove the database of a job that has ended and was reported."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


@dataclass
class Resumable:
    """A batch that goes on where an earlier run was. `tally` is there once it has begun."""

    services: Services
    request: BatchRequest
    key: str
    stderr: Console
    as_json: bool
    quiet: bool
    tally: JobTally | None = None
    answer: str = ""
    finished: bool = False

    def run(self) -> int:
        """Process what is still to do. Gives the exit code. Raises StoreError."""
        try:
            asyncio.run(self._process())
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        except asyncio.CancelledError:
            code = EXIT_TERMINATED
        else:
            assert self.tally is not None
            code = self.tally.exit_code()
        self._show()
        return code

    def _show(self) -> None:
        if self.answer:
            print(self.answer)
        if self.tally is None:
            return
        if not self.quiet:
            report.show_skipped(self.stderr, self.request.skipped)
        if not (self.quiet or self.as_json):
            report.show_failures(self.stderr, self.tally)
        if self.tally.job.error is not None:
            self.stderr.print(report.problem_text(self.tally.job.error))
        self.stderr.print(self.tally.summary())
        if not self.finished:
            self.stderr.print("the same command goes on where this one was")

    async def _process(self) -> None:
        embedded.cancel_on_sigterm()
        try:
            await asyncio.to_thread(embedded.start, self.services.engine)
            self.tally = tally = await self._begun()
            await self._follow(tally)
            await self._read_results(tally)
            self.finished = True
        finally:
            await self._stop()

    async def _begun(self) -> JobTally:
        most = self.services.settings.limits.max_job_images
        with refused_as_invalid():
            job, images = await asyncio.to_thread(
                new_job, self.request, self.key, self.services.storage, most
            )
        # What the patterns match may have changed: the job goes on with what it began with.
        job.digest = self.key
        stored = await self.services.store.jobs.create(job, images)
        if stored.owner is not None:
            # Its process was killed, as this one alone holds the file: its lease need not lapse.
            await self.services.store.jobs.release(stored.id, stored.owner)
        tally = JobTally(job_view(stored))
        tally.before = tally.done
        self.services.runner.start()
        return tally

    async def _follow(self, tally: JobTally) -> None:
        if tally.before and not self.quiet:
            self.stderr.print(f"going on behind {tally.before} of {tally.total} images")
        with report.progress(self.stderr, tally, self.quiet) as show:
            while tally.job.state not in ENDED:
                changed = asyncio.wrap_future(self.services.runner.changed(tally.job.id))
                tally.job = await self._job(tally.job.id)
                show()
                if tally.job.state not in ENDED:
                    await asyncio.wait({changed}, timeout=_POLL_SECONDS)
                changed.cancel()

    async def _job(self, id: str) -> Job:
        return job_view(await self.services.store.jobs.get(id))

    async def _read_results(self, tally: JobTally) -> None:
        if self.as_json:
            self.answer = await self._answer(tally.job)
            return
        jobs = self.services.store.jobs
        found = await jobs.results(tally.job.id, 0, SHOWN_FAILURES, "failed")
        texts = {
            at: operation.text()
            for at, operation in zip(self.request.positions, self.request.operations, strict=True)
        }
        results = [RESULT.validate_json(result.content) for result in found]
        tally.failures = failures_of(results, texts)

    async def _answer(self, job: Job) -> str:
        """What `POST /v1/batches` would have answered."""
        found: dict[int, bytes] = {}
        after = 0
        while page := await self.services.store.jobs.results(job.id, after, _PAGE):
            found |= {result.index: result.content.encode() for result in page}
            after = page[-1].seq
        warnings = [operation_warning(skipped) for skipped in self.request.skipped]
        content = [found[index] for index in sorted(found)]
        state = cast(EndState, job.state)
        return bytes(batch_response(job.id, state, job.counts, warnings, content).body).decode()

    async def _stop(self) -> None:
        """Let the images under way end, and store what became of them."""
        patience = self.services.settings.server.shutdown_timeout
        await asyncio.to_thread(self.services.runner.stop, patience)
        if self.tally is not None:
            self.tally.job = await self._job(self.tally.job.id)
        await embedded.close(self.services)
        await self.services.store.close()
