"""A batch that is a job: stored, started, and waited for as long as the client likes."""

import asyncio
import time
from typing import cast

from fastapi import Response

from schemas.batches import BatchRequest, EndState
from schemas.jobs import ENDED
from service.errors import InvalidRequest, TooManyJobs
from service.jobs.addresses import AddressRefused
from service.jobs.stored import new_job
from service.jobs.webhooks import check_url
from service.preferences import Preference
from service.services import Services
from service.store.jobs import StoredJob
from service.views import batch_response, job_view, operation_warning

_PAGE = 1000
_POLL_SECONDS = 1.0


async def run_as_job(
    request: BatchRequest, services: Services, wish: Preference | None, key: str | None
) -> Response:
    """200 and the results when the job has ended in time, else 202 and the job.

    Raises InvalidRequest, TooManyJobs, KeyReused and StoreUnavailable.
    """
    services.check_counts((), request.operations)
    services.check_job(request.images)
    _check_webhook(request, services)
    most = services.settings.store.max_queued_jobs
    if await services.store.jobs.unfinished() >= most:
        raise TooManyJobs(f"{most} jobs wait or run, the limit (DARKROOM_MAX_QUEUED_JOBS)")
    job = await services.store.jobs.create(*await asyncio.to_thread(new_job, request, key))
    services.runner.start()
    services.runner.hurry()
    job = await _waited(services, job.id, None if wish is None else wish.wait)
    answer = await _answer(services, job, request)
    answer.headers["Location"] = f"/v1/jobs/{job.id}"
    if wish is not None:
        answer.headers["Preference-Applied"] = wish.applied
    return answer


def _check_webhook(request: BatchRequest, services: Services) -> None:
    if request.webhook is None:
        return
    try:
        check_url(request.webhook, services.settings.webhook.allow_private)
    except (ValueError, AddressRefused) as error:
        raise InvalidRequest(f"webhook: {error}", [("/webhook", str(error))]) from None


async def _waited(services: Services, id: str, seconds: float | None) -> StoredJob:
    """The job when it has ended, or after `seconds`."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        changed = asyncio.wrap_future(services.runner.changed(id))
        job = await services.store.jobs.get(id)
        left = (
            _POLL_SECONDS if deadline is None else min(_POLL_SECONDS, deadline - time.monotonic())
        )
        if job.state in ENDED or left <= 0:
            changed.cancel()
            return job
        await asyncio.wait({changed}, timeout=left)
        changed.cancel()


async def _answer(services: Services, job: StoredJob, request: BatchRequest) -> Response:
    view = job_view(job)
    if job.state not in ENDED:
        return Response(view.model_dump_json(), status_code=202, media_type="application/json")
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
