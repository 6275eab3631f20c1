"""Many images in one request."""

import secrets
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Header, Response

from schemas.batches import BatchRequest, BatchResponse, Counts
from schemas.jobs import Job
from schemas.results import Status
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.jobs.batch import Batch, counts_of, run_batch
from service.logs import bind_job_id
from service.preferences import preference
from service.recipes import resolved
from service.services import Services
from service.submission import run_as_job
from service.views import RESULT, batch_response, image_result, operation_warning

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post(
    "/batches",
    summary="Process a batch of images",
    response_model=BatchResponse,
    responses={202: {"model": Job, "description": "The job, which goes on."}},
)
async def process_batch(
    request: BatchRequest,
    services: ServicesDependency,
    prefer: Annotated[
        str, Header(description="respond-async answers with a job at once, wait=N after N seconds.")
    ] = "",
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=255, description="Makes sending again safe.")
    ] = None,
) -> Response:
    """Read each input, apply the operations in their order, write the output.

    A bad image fails alone; the answer says why, and what became of the others. Several results
    of one image (a split) are written beside one another: `stem_1.ext`, `stem_2.ext`, ...

    With `Prefer` or `Idempotency-Key` the batch is a job: it is stored first, and goes on whatever
    becomes of this request, of its workers, or of the server.
    """
    request = await resolved(request, services.store.recipes)
    wish = preference(prefer)
    if wish is not None or idempotency_key is not None:
        return await run_as_job(request, services, wish, idempotency_key)
    if request.webhook is not None:
        detail = "a webhook needs a job: send the header `Prefer: respond-async`, too"
        raise InvalidRequest(detail, [("/webhook", detail)])
    services.check_counts(request.images, request.operations)
    identifier = secrets.token_hex(8)
    batch = Batch(request.pipeline(), request.images)
    with bind_job_id(identifier):
        counts, results = await _run(batch, services)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return batch_response(identifier, "completed", counts, warnings, results)


async def _run(batch: Batch, services: Services) -> tuple[Counts, list[bytes]]:
    """The results as JSON, each by its index: ten thousand of them are a few megabytes so."""
    statuses: Counter[Status] = Counter()
    results = [b""] * len(batch.images)
    async for result in run_batch(services.dispatcher, batch):
        view = image_result(batch.images[result.index], result, batch.pipeline)
        statuses[view.status] += 1
        results[result.index] = RESULT.serializer.to_json(view)
    return counts_of(statuses), results
