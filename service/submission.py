"""A batch as a job: checked, stored, started, and waited for as long as the client likes."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from fastapi import Response

from schemas.batches import BatchRequest, EndState
from schemas.jobs import ENDED
from service.errors import InvalidRequest
from service.jobs.expansion import BatchRefused
from service.jobs.stored import new_job
from service.jobs.webhooks import check_url
from service.network.addresses import AddressRefused
from service.preferences import Preference
from service.services import Services
from service.store.errors import StoreUnavailable
from service.store.jobs import StoredJob
from service.views import batch_response, job_error, job_view, operation_warning

_PAGE = 1000
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0


async def submitted(
    request: BatchRequest, services: Services, key: str | None, at_once: bool = False
) -> StoredJob:
    """The job for `request`, stored and started.

    One that somebody waits for begins `at_once`, and not behind the jobs of others. Raises
    InvalidRequest, QueueFull, KeyReused and StoreUnavailable.
    """
    limits = services.settings.limits
    check_batch(request, services, limits.max_job_images)
    with refused_as_invalid():
        job, images = await asyncio.to_thread(
            new_job, request, key, services.storage, limits.max_job_images
        )
    runner = services.runner
    if at_once:
        runner.lease(job)
    stored = await services.store.jobs.create(job, images, services.settings.store.max_queued_jobs)
    runner.start()
    if at_once and stored.id == job.id:
        runner.take(stored)
    else:
        runner.hurry()
    return stored


async def answered(
    job: StoredJob, request: BatchRequest, services: Services, wish: Preference | None = None
) -> Response:
    """200 and the results when the job has ended in time, else 202 and the job.

    Raises InvalidRequest and JobFailed when the job failed as a whole, and StoreUnavailable.
    """
    job = await _waited(services, job.id, None if wish is None else wish.wait)
    answer = await _answer(services, job, request)
    answer.headers["Location"] = f"/v1/jobs/{job.id}"
    if wish is not None:
        answer.headers["Preference-Applied"] = wish.applied
    return answer


def check_batch(request: BatchRequest, services: Services, most_images: int) -> None:
    """Raises InvalidRequest for more images or operations than there may be, or a bad webhook."""
    services.check_counts((), request.operations)
    if len(request.images) > most_images:
        services.check_counts(request.images, ())
        services.check_job(request.images)
    for variant in request.variants:
        services.check_counts((), variant.operations)
    for image in request.images:
        for variant in image.variants or ():
            services.check_counts((), variant.operations)
    _check_webhook(request, services)


@contextmanager
def refused_as_invalid() -> Iterator[None]:
    """Raise InvalidRequest for BatchRefused."""
    try:
        yield
    except BatchRefused as error:
        raise InvalidRequest(str(error), [(error.pointer, str(error))]) from None


def _check_webhook(request: BatchRequest, services: Services) -> None:
    if request.webhook is None:
        return
    try:
        check_url(request.webhook, services.settings.webhook.allow_private)
    except (ValueError, AddressRefused) as error:
        raise InvalidRequest(f"webhook: {error}", [("/webhook", str(error))]) from None


async def _waited(services: Services, id: str, seconds: float | None) -> StoredJob:
    """The job when it has ended, or after `seconds`.

    It goes on while the store is away, and so does the wait, for a minute. Raises StoreUnavailable.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    last_seen = time.monotonic()
    while True:
        ended = asyncio.wrap_future(services.runner.left(id))
        left = _POLL_SECONDS if deadline is None else deadline - time.monotonic()
        try:
            job = await services.store.jobs.get(id)
            last_seen = time.monotonic()
            if job.state in ENDED or left <= 0:
                ended.cancel()
                return job
        except StoreUnavailable:
            if left <= 0 or time.monotonic() > last_seen + _PATIENCE_SECONDS:
                ended.cancel()
                raise
        await asyncio.wait({ended}, timeout=max(0.0, min(_POLL_SECONDS, left)))
        ended.cancel()


async def _answer(services: Services, job: StoredJob, request: BatchRequest) -> Response:
    """Raises InvalidRequest and JobFailed when the job failed as a whole."""
    view = job_view(job)
    if job.state not in ENDED:
        return Response(view.model_dump_json(), status_code=202, media_type="application/json")
    if job.error is not None:
        raise job_error(job.error)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    results = await _results(services, job)
    return batch_response(job.id, cast(EndState, job.state), view.counts, warnings, results)


async def _results(services: Services, job: StoredJob) -> list[bytes]:
    """All results, in the order of the images."""
    found: dict[int, bytes] = {}
    after = 0
    while page := await services.store.jobs.results(job.id, after, _PAGE):
        found |= {result.index: result.content.encode() for result in page}
        after = page[-1].seq
    return [found[index] for index in sorted(found)]
