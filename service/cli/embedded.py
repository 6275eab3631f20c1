"""A batch run in this process's own workers: the parts of the server, without the server."""

import asyncio
import json
import secrets
import signal
from collections.abc import Callable
from multiprocessing import resource_tracker

from schemas.batches import BatchRequest, BatchResponse
from service.app import CLOSE_SECONDS, build_services
from service.cli import report
from service.cli.output import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED, console
from service.cli.requests import Arguments, one_of, settings_for, with_recipe
from service.cli.tally import Tally
from service.engine.base import Engine, ItemResult
from service.jobs.batch import run_batch
from service.jobs.expansion import BatchImage
from service.services import Services
from service.unstored import batch_of
from service.views import operation_warning

_NOTED_AT_ONCE = 256


def run(files: list[str], arguments: Arguments, as_json: bool, quiet: bool) -> int:
    """Process a batch, and show what became of it. Gives the exit code.

    Raises PatternError, SettingsError, RequestError, StoreError.
    """
    settings = settings_for(arguments)
    request = with_recipe(one_of(files, arguments), settings)
    services = build_services(settings)
    # How many images one types is one's own affair; a request file is held to the limit.
    services.check_counts(request.images if files else (), request.operations)
    stderr = console(stderr=True)
    tally = Tally(batch_of(request, services), keep=as_json)
    with report.progress(stderr, tally, quiet) as changed:
        code = _run(services, tally, changed, request.skip_unchanged)
    if as_json and code in (0, EXIT_FAILED):
        # Through `json`, in ASCII: a file's name need not be valid UTF-8.
        print(json.dumps(_response(request, tally).model_dump()))
    if not quiet:
        report.show_skipped(stderr, request.skipped)
    if not (quiet or as_json):
        report.show_failures(stderr, tally)
    stderr.print(tally.summary())
    return code


def _run(
    services: Services, tally: Tally, changed: Callable[[], None], skip_unchanged: bool
) -> int:
    """Process the tally's batch; `changed` is called after each image. Gives the exit code."""
    try:
        asyncio.run(_process(services, tally, changed, skip_unchanged))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except asyncio.CancelledError:
        return EXIT_TERMINATED
    return EXIT_FAILED if tally.counts.failed else 0


def _response(request: BatchRequest, tally: Tally) -> BatchResponse:
    """What `POST /v1/batches` would have answered."""
    return BatchResponse(
        id=secrets.token_hex(8),
        state="completed",
        counts=tally.counts,
        warnings=[operation_warning(skipped) for skipped in request.skipped],
        results=sorted(tally.results, key=lambda result: result.index),
    )


async def _process(
    services: Services, tally: Tally, changed: Callable[[], None], skip_unchanged: bool
) -> None:
    cancel_on_sigterm()
    batch = tally.batch
    made: list[tuple[BatchImage, ItemResult]] = []
    try:
        await asyncio.to_thread(start, services.engine)
        known = await services.unchanged.known_of(batch) if skip_unchanged else {}
        async for result in run_batch(services.dispatcher, batch, known):
            tally.add(result)
            changed()
            if result.made is not None:
                made.append((batch.images[result.index], result))
            if len(made) >= _NOTED_AT_ONCE:
                await services.unchanged.note(made)
                made.clear()
        await services.unchanged.note(made)
    finally:
        await close(services)
        await services.store.close()


def start(engine: Engine) -> None:
    """Start the workers with SIGINT blocked, which they inherit.

    A terminal sends Ctrl-C to all processes of a command, but this one alone ends the others. It
    is blocked in this thread only, and the resource tracker, which would unblock it, is there.
    """
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    engine.start()


def cancel_on_sigterm() -> None:
    """End on SIGTERM as on Ctrl-C, which asyncio.run sees to."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def close(services: Services) -> None:
    """Stop the workers; images under way get a moment to end by themselves."""
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.to_thread(services.engine.close, CLOSE_SECONDS)
    # They remove the temporary files of workers that were stopped.
    await asyncio.gather(*under_way, return_exceptions=True)
