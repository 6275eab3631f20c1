"""The original batch server's route, as its users know it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse

from schemas.items import ItemsRequest
from service.dependencies import ServicesDependency
from service.jobs.batch import Batch, run_batch
from service.jobs.expansion import BatchImage
from service.jobs.work import BatchWork

# No tag: the address of its place in /docs is the one that its users have kept.
router = APIRouter()

_EXAMPLES: Any = {
    "hello": {
        "summary": "Is it there?",
        "value": {"images": [], "operations": ["string"]},
    },
    "quadrants": {
        "summary": "Quadrants of two images, at half size",
        "value": {
            "images": [
                {"input": "testimages/cyclo1.jpg", "output": "testoutput/cyclo1.jpg"},
                {"input": "testimages/cyclo4.jpg", "output": "testoutput/cyclo4.PNG"},
            ],
            "operations": ["splitQuadrants=True", "resize=0.5", "blur=5"],
        },
    },
}


@router.post("/items/", summary="Create Request", response_class=JSONResponse)
async def create_request(
    http: Request,
    request: Annotated[ItemsRequest, Body(openapi_examples=_EXAMPLES)],
    services: ServicesDependency,
) -> Response:
    """Process images and answer with the request, unchanged.

    What is wrong is skipped: an operation, an image that is missing or cannot be read. The header
    `Darkroom-Skipped` counts them. Pixels are those of plain OpenCV.
    """
    services.check_counts(request.images, request.operations or ())
    await asyncio.sleep(services.settings.engine.processing_delay)
    pipeline, skipped = request.pipeline()
    images = [BatchImage(source, (target,)) for source, target in request.pairs()]
    left_out = len(skipped) + len(request.images) - len(images)
    async for result in run_batch(services.dispatcher, Batch(BatchWork(pipeline), images)):
        left_out += len(result.skipped) + (result.error is not None)
    # The very bytes: reading and writing them anew fails on what JSON only just allows.
    headers = {"Darkroom-Skipped": str(left_out)}
    return Response(await http.body(), media_type="application/json", headers=headers)
