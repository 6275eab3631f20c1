"""What a batch would do."""

import asyncio

from fastapi import APIRouter

from processors.pipeline import Runner
from schemas.batches import BatchRequest, ImagePlan, PlanResponse
from service.dependencies import ServicesDependency
from service.jobs.plans import plan_image
from service.services import Services
from service.views import image_plan, operation_warning

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post("/plan", summary="What a batch would do, without doing it")
async def plan_batch(request: BatchRequest, services: ServicesDependency) -> PlanResponse:
    """The steps after rewriting, the size after each, the paths, the memory, or the error.

    Headers are read; nothing is decoded or written.
    """
    services.check_counts(request.images, request.operations)
    plans = await asyncio.to_thread(_plans, request, services)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return PlanResponse(plans=plans, warnings=warnings)


def _plans(request: BatchRequest, services: Services) -> list[ImagePlan]:
    runner = Runner(request.pipeline(), services.limits)
    return [
        image_plan(index, image, plan_image(runner, services.storage, image))
        for index, image in enumerate(request.images)
    ]
