"""What a batch would do."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter

from schemas.batches import BatchRequest, ImagePlan, PlanResponse
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.jobs.expansion import BatchImage, images_of
from service.jobs.plans import BatchPlanner
from service.jobs.work import work_for
from service.recipes import resolved
from service.services import Services
from service.submission import check_batch, refused_as_invalid
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
    if request.webhook is not None:
        detail = "a plan is no job, and calls nobody: leave `webhook` out"
        raise InvalidRequest(detail, [("/webhook", detail)])
    request = await resolved(request, services.store.recipes)
    check_batch(request, services, services.settings.limits.max_images)
    loop = asyncio.get_running_loop()
    plans = await loop.run_in_executor(_PLANNING, _plans, request, services)
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return PlanResponse(plans=plans, warnings=warnings)


def _plans(request: BatchRequest, services: Services) -> list[ImagePlan]:
    planner = BatchPlanner(work_for(request), services.limits, services.storage)
    plans: list[ImagePlan] = []
    sizes = 0
    for index, image in enumerate(_images(request, services)):
        found = [image_plan(index, image, planned) for planned in planner.plan(image)]
        plans += found
        sizes += sum(len(step.sizes) for plan in found for step in plan.steps)
        if sizes > _MOST_SIZES:
            detail = f"the first {index + 1} plans state {sizes} sizes: ask for fewer images"
            raise InvalidRequest(detail, [("/images", detail)])
    return plans


def _images(request: BatchRequest, services: Services) -> Iterator[BatchImage]:
    most = services.settings.limits.max_job_images
    with refused_as_invalid():
        yield from images_of(request, services.storage, most)
