"""Many images in one request."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from schemas.batches import BatchRequest, BatchResponse
from schemas.jobs import Job
from service.dependencies import ServicesDependency
from service.preferences import preference
from service.recipes import resolved
from service.store.errors import StoreUnavailable
from service.submission import answered, check_batch, submitted
from service.unstored import run_unstored

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post(
    "/batches",
    summary="Process a batch of images",
    response_model=BatchResponse,
    responses={202: {"model": Job, "description": "The job, which goes on."}},
)
async def process_batch(
    http: Request,
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

    The batch is a job: it is stored first, and goes on whatever becomes of this request, of its
    workers, or of the server. Without `Prefer` the answer waits for its end.
    """
    await _let_go_of_the_body(http)
    request = await resolved(request, services.store.recipes)
    wish = preference(prefer)
    if wish is not None or idempotency_key is not None:
        job = await submitted(request, services, idempotency_key, at_once=wish is None)
        return await answered(job, request, services, wish)
    check_batch(request, services, services.settings.limits.max_images)
    try:
        job = await submitted(request, services, None, at_once=True)
    except StoreUnavailable:
        if (answer := await run_unstored(request, services)) is None:
            raise
        return answer
    return await answered(job, request, services)


async def _let_go_of_the_body(http: Request) -> None:
    """The framework holds what it has read until the answer: twenty megabytes of many images."""
    body = await http.json()  # not read again: it is kept
    if isinstance(body, dict) and isinstance(body.get("images"), list):
        body["images"].clear()
