"""What a batch would do, as far as a page shows it."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.batches import BatchRequest
from schemas.plans import ImagePlan
from service.errors import InvalidRequest
from service.jobs.expansion import BatchImage, images_of
from service.jobs.plans import BatchPlanner
from service.jobs.walking import Search, SearchStopped
from service.jobs.work import work_for
from service.services import Services
from service.storage import Storage, StorageError
from service.submission import refused_as_invalid
from service.views import image_plan

SHOWN = 12
"""Images whose headers are read."""

_INPUT = "/images/0/input"
_MOST_SECONDS = 20.0
"""That a page waits for images to be found."""

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
    """Raises InvalidRequest for what a job would say later, of its first image.

    That no image is found, that it is a folder, or that its results lie where none may be written.
    """
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_LOOKING, _check_found, request, services)


def _dry_run(request: BatchRequest, services: Services) -> DryRun:
    planner = BatchPlanner(work_for(request), services.limits, services.storage)
    plans: list[ImagePlan] = []
    total = 0
    try:
        for image in _images(request, services):
            if total < SHOWN:
                plans += [image_plan(total, image, planned) for planned in planner.plan(image)]
            total += 1
    except SearchStopped:
        detail = (
            f"it takes longer than {_MOST_SECONDS:g} s to find the images: run it, or ask for less"
        )
        raise InvalidRequest(f"input: {detail}", [(_INPUT, detail)]) from None
    return DryRun(total, plans)


def _images(request: BatchRequest, services: Services) -> Iterator[BatchImage]:
    """Raises InvalidRequest, and SearchStopped when it takes too long to find them."""
    deadline = time.monotonic() + _MOST_SECONDS
    search = Search(lambda: time.monotonic() > deadline)
    most = services.settings.limits.max_job_images
    with refused_as_invalid():
        yield from images_of(request, services.storage, most, search)


def _check_found(request: BatchRequest, services: Services) -> None:
    try:
        first = next(_images(request, services))
    except SearchStopped:
        return  # the job looks for them as long as it takes
    _check_input(first.input, services.storage)
    for number, output in enumerate(first.outputs):
        # Its size is not known yet, and does not say in which folder it lies.
        path = output.format(width=1, height=1) if first.open else output
        with _pointed_to(f"/variants/{number}/output"):
            services.storage.resolve_output(path)


def _check_input(path: str, storage: Storage) -> None:
    """Raises InvalidRequest."""
    with _pointed_to(_INPUT):
        real = storage.resolve_folder(path)  # which takes the root itself too
    if Path(real).is_dir():
        inside = f"{path.rstrip('/')}/*"
        detail = f"{path} is a folder: write {inside} for the images in it"
        raise InvalidRequest(f"input: {detail}", [(_INPUT, detail)])


@contextmanager
def _pointed_to(pointer: str) -> Iterator[None]:
    """Raise InvalidRequest for a path that is refused."""
    try:
        yield
    except StorageError as error:
        raise InvalidRequest(str(error), [(pointer, str(error))]) from None
