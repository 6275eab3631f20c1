"""Many images in one request."""

import secrets
from collections import Counter

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from schemas.batches import BatchRequest, BatchResponse, Counts
from schemas.results import ImageResult, Status
from service.dependencies import ServicesDependency
from service.jobs.batch import Batch, counts_of, run_batch
from service.logs import bind_job_id
from service.recipes import resolved
from service.services import Services
from service.views import image_result, operation_warning

_RESULT = TypeAdapter(ImageResult)

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post("/batches", summary="Process a batch of images", response_model=BatchResponse)
async def process_batch(request: BatchRequest, services: ServicesDependency) -> Response:
    """Read each input, apply the operations in their order, write the output.

    A bad image fails alone; the answer says why, and what became of the others. Several results
    of one image (a split) are written beside one another: `stem_1.ext`, `stem_2.ext`, ...
    """
    request = await resolved(request, services.store.recipes)
    services.check_counts(request.images, request.operations)
    identifier = secrets.token_hex(8)
    batch = Batch(request.pipeline(), request.images)
    with bind_job_id(identifier):
        counts, results = await _run(batch, services)
    answer = BatchResponse(
        id=identifier,
        state="completed",
        counts=counts,
        warnings=[operation_warning(skipped) for skipped in request.skipped],
        results=[],
    )
    return Response(_with_results(answer, results), media_type="application/json")


async def _run(batch: Batch, services: Services) -> tuple[Counts, list[bytes]]:
    """The results as JSON, each by its index: ten thousand of them are a few megabytes so."""
    statuses: Counter[Status] = Counter()
    results = [b""] * len(batch.images)
    async for result in run_batch(services.dispatcher, batch):
        view = image_result(batch.images[result.index], result, batch.pipeline)
        statuses[view.status] += 1
        results[result.index] = _RESULT.serializer.to_json(view)
    return counts_of(statuses), results


def _with_results(answer: BatchResponse, results: list[bytes]) -> bytes:
    frame = answer.model_dump_json().encode()
    assert frame.endswith(b"[]}")  # `results` is the last field
    return frame[:-2] + b",".join(results) + b"]}"
