"""The original batch server's route, as its users know it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from schemas.items import ItemsRequest
from service.dependencies import ServicesDependency
from service.jobs.batch import Batch, run_batch

router = APIRouter(tags=["items"])

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
) -> JSONResponse:
    """Process images and answer with the request, unchanged.

    What is wrong is skipped: an operation, an image that is missing or cannot be read. The header
    `Darkroom-Skipped` counts them. Pixels are those of plain OpenCV.
    """
    services.check_counts(request.images, request.operations or ())
    await asyncio.sleep(services.settings.engine.processing_delay)
    pipeline, skipped = request.pipeline()
    pairs = request.pairs()
    failed = len(request.images) - len(pairs)
    async for result in run_batch(services.dispatcher, Batch(pipeline, pairs)):
        services.metrics.count_image(pipeline, result)
        failed += result.error is not None
    headers = {"Darkroom-Skipped": str(len(skipped) + failed)}
    return JSONResponse(await http.json(), headers=headers)
