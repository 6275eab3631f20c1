"""A batch while the database is away: done at once, and not kept as a job."""

import asyncio
import secrets
from collections import Counter

from fastapi import Response

from schemas.batches import BatchRequest
from schemas.results import Status
from service.jobs.batch import Batch, conflicts, counts_of, run_batch
from service.jobs.expansion import images_of
from service.jobs.work import work_for
from service.logs import bind_job_id
from service.services import Services
from service.submission import refused_as_invalid
from service.views import RESULT, batch_response, image_result, operation_warning


async def run_unstored(request: BatchRequest, services: Services) -> Response | None:
    """The answer when all images are done; None for what cannot do without the database.

    The job may have been stored though the database did not say so, and is then run when that is
    back: nothing is begun that must not be done twice. Raises InvalidRequest and EngineClosed.
    """
    batch = await asyncio.to_thread(batch_of, request, services)
    found = await asyncio.to_thread(conflicts, batch.images)
    if request.webhook is not None or request.skip_unchanged or found.once:
        return None
    identifier = secrets.token_hex(8)
    statuses: Counter[Status] = Counter()
    # As JSON, each by its index: ten thousand of them are a few megabytes so.
    results = [b""] * len(batch.images)
    with bind_job_id(identifier):
        async for result in run_batch(services.dispatcher, batch):
            view = image_result(batch.images[result.index], result, batch.pipeline)
            statuses[view.status] += 1
            results[result.index] = RESULT.serializer.to_json(view)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return batch_response(identifier, "completed", counts_of(statuses), warnings, results)


def batch_of(request: BatchRequest, services: Services) -> Batch:
    """The batch that `request` means. It reads the disk. Raises InvalidRequest."""
    most = services.settings.limits.max_job_images
    with refused_as_invalid():
        return Batch(work_for(request), list(images_of(request, services.storage, most)))
