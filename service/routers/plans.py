"""What a batch would do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter

from processors.pipeline import Runner
from schemas.batches import BatchRequest, ImagePlan, PlanResponse
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.jobs.plans import plan_image
from service.recipes import resolved
from service.services import Services
from service.views import image_plan, operation_warning

_MOST_SIZES = 100_000
# Threads of its own: who wants a plan of ten thousand images waits for others who do.
_PLANNING = ThreadPoolExecutor(2, "planning")

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post("/plan", summary="What a batch would do, without doing it")
async def plan_batch(request: BatchRequest, services: ServicesDependency) -> PlanResponse:
    """The steps after rewriting, the size after each, the paths, the memory, or the error.

    Headers are read; nothing is decoded or written.
    """
    request = await resolved(request, services.store.recipes)
    services.check_counts(request.images, request.operations)
    loop = asyncio.get_running_loop()
    plans = await loop.run_in_executor(_PLANNING, _plans, request, services)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return PlanResponse(plans=plans, warnings=warnings)


def _plans(request: BatchRequest, services: Services) -> list[ImagePlan]:
    runner = Runner(request.pipeline(), services.limits)
    plans, sizes = [], 0
    for index, image in enumerate(request.images):
        plans.append(image_plan(index, image, plan_image(runner, services.storage, image)))
        sizes += sum(len(step.sizes) for step in plans[-1].steps)
        if sizes > _MOST_SIZES:
            detail = f"the first {index + 1} plans state {sizes} sizes: ask for fewer images"
            raise InvalidRequest(detail, [("/images", detail)])
    return plans
