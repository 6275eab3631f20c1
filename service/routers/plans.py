"""What a batch would do."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request

from schemas.batches import BatchRequest
from schemas.plans import ImagePlan, PlanResponse
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.jobs.expansion import images_of
from service.jobs.plans import BatchPlanner
from service.jobs.walking import Search, SearchStopped
from service.jobs.work import work_for
from service.recipes import resolved
from service.services import Services
from service.submission import check_batch, refused_as_invalid
from service.views import image_plan, operation_warning

_MOST_SIZES = 100_000
_MOST_SECONDS = 20.0
# Threads of its own: who wants a plan of ten thousand images waits for others who do.
_PLANNING = ThreadPoolExecutor(2, "planning")

router = APIRouter(prefix="/v1", tags=["batches"])


@router.post("/plan", summary="What a batch would do, without doing it")
async def plan_batch(
    request: BatchRequest, connection: Request, services: ServicesDependency
) -> PlanResponse:
    """The steps after rewriting, the size after each, the paths, the memory, or the error.

    Headers are read; nothing is decoded or written. What takes longer than 20 s is refused.
    """
    if request.webhook is not None:
        detail = "a plan is no job, and calls nobody: leave `webhook` out"
        raise InvalidRequest(detail, [("/webhook", detail)])
    request = await resolved(request, services.store.recipes)
    check_batch(request, services, services.settings.limits.max_images)
    plans = await _while_connected(
        connection, lambda gone: _in_time(request, services, gone.is_set)
    )
    warnings = [operation_warning(skipped) for skipped in request.skipped]
    return PlanResponse(plans=plans, warnings=warnings)


async def _while_connected(
    connection: Request, work: Callable[[threading.Event], list[ImagePlan]]
) -> list[ImagePlan]:
    """What `work` gives; the event is set when the client has gone, or the server gives it up."""
    gone = threading.Event()
    leaving = asyncio.ensure_future(_left(connection))
    leaving.add_done_callback(lambda _: gone.set())
    try:
        return await asyncio.get_running_loop().run_in_executor(_PLANNING, work, gone)
    finally:
        gone.set()
        leaving.cancel()


async def _left(connection: Request) -> None:
    while (await connection.receive())["type"] != "http.disconnect":
        pass


def _in_time(
    request: BatchRequest, services: Services, gone: Callable[[], bool]
) -> list[ImagePlan]:
    deadline = time.monotonic() + _MOST_SECONDS
    search = Search(lambda: gone() or time.monotonic() > deadline)
    try:
        return _plans(request, services, search)
    except SearchStopped:
        detail = (
            f"planning takes longer than {_MOST_SECONDS:g} s: ask for fewer images, or begin the "
            "pattern with a folder"
        )
        raise InvalidRequest(detail, [("/images", detail)]) from None


def _plans(request: BatchRequest, services: Services, search: Search) -> list[ImagePlan]:
    """Raises SearchStopped."""
    planner = BatchPlanner(work_for(request), services.limits, services.storage)
    plans: list[ImagePlan] = []
    sizes = 0
    most = services.settings.limits.max_job_images
    with refused_as_invalid():
        for index, image in enumerate(images_of(request, services.storage, most, search)):
            search.ask()
            found = [image_plan(index, image, planned) for planned in planner.plan(image)]
            plans += found
            sizes += sum(len(step.sizes) for plan in found for step in plan.steps)
            if sizes > _MOST_SIZES:
                detail = f"the first {index + 1} plans state {sizes} sizes: ask for fewer images"
                raise InvalidRequest(detail, [("/images", detail)])
    return plans
