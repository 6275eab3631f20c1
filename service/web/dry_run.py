"""What a batch would do, as far as a page shows it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from schemas.batches import BatchRequest, ImagePlan
from service.jobs.expansion import images_of
from service.jobs.plans import BatchPlanner
from service.jobs.work import work_for
from service.services import Services
from service.submission import refused_as_invalid
from service.views import image_plan

SHOWN = 12
"""Images whose headers are read."""

# Of its own: looking through folders may take seconds, and nobody else is to wait for it.
_LOOKING = ThreadPoolExecutor(1, "dry-run")


@dataclass(frozen=True)
class DryRun:
    """How many images there are, and what would become of the first."""

    total: int
    plans: list[ImagePlan]

    @property
    def shown(self) -> int:
        """How many images the plans are of: an image has one for each variant."""
        return len({plan.index for plan in self.plans})

    @property
    def peak_bytes(self) -> int:
        return max((plan.peak_bytes or 0 for plan in self.plans), default=0)

    @property
    def faulty(self) -> int:
        return sum(plan.error is not None for plan in self.plans)


async def dry_run(request: BatchRequest, services: Services) -> DryRun:
    """Look for all images, and plan the first. Raises InvalidRequest."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_LOOKING, _dry_run, request, services)


async def check_found(request: BatchRequest, services: Services) -> None:
    """Raises InvalidRequest where no image would be found: a job would say so later."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_LOOKING, _check_found, request, services)


def _dry_run(request: BatchRequest, services: Services) -> DryRun:
    planner = BatchPlanner(work_for(request), services.limits, services.storage)
    plans: list[ImagePlan] = []
    total = 0
    with refused_as_invalid():
        for image in images_of(request, services.storage, services.settings.limits.max_job_images):
            if total < SHOWN:
                plans += [image_plan(total, image, planned) for planned in planner.plan(image)]
            total += 1
    return DryRun(total, plans)


def _check_found(request: BatchRequest, services: Services) -> None:
    with refused_as_invalid():
        next(images_of(request, services.storage, services.settings.limits.max_job_images))
