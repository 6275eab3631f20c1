"""What a batch would do, from the headers of its inputs alone."""

from dataclasses import dataclass

from processors.errors import DamagedImage, ProcessorError
from processors.jobs import Planner, planner_of
from processors.limits import Limits
from processors.plan import Plan
from processors.probing import Header, probe
from service.jobs.expansion import BatchImage
from service.jobs.work import BatchWork
from service.storage import Storage, StorageError, places

_HEAD_BYTES = 256 * 1024
"""Nearly every header lies in here, though a JPEG may have megabytes of metadata before it."""


@dataclass(frozen=True)
class PlannedImage:
    """A plan and the paths that it would write, or the error that it would meet.

    `variant` is its number, if the image has any.
    """

    plan: Plan | None = None
    outputs: tuple[str, ...] = ()
    error: Exception | None = None
    variant: int | None = None


class BatchPlanner:
    """Plans the images of one batch. It reads the disk: not for the event loop."""

    def __init__(self, work: BatchWork, limits: Limits, storage: Storage) -> None:
        self._work = work
        self._limits = limits
        self._storage = storage
        self._usual = planner_of(work.usual, limits)

    def plan(self, image: BatchImage) -> list[PlannedImage]:
        """One for each variant, or just one."""
        try:
            planner = self._planner(image)
            plans = planner.plans(_header(self._storage, image.input), image.outputs)
            return [self._planned(image, number, plan) for number, plan in enumerate(plans)]
        except (ProcessorError, StorageError) as error:
            return [PlannedImage(error=error)]

    def _planner(self, image: BatchImage) -> Planner:
        usual = self._work.is_usual(image)
        return self._usual if usual else planner_of(self._work.job(image), self._limits)

    def _planned(self, image: BatchImage, number: int, plan: Plan) -> PlannedImage:
        path = image.outputs[number]
        if image.open:
            path = path.format(width=plan.sizes[0].width, height=plan.sizes[0].height)
        paths = places(path, len(plan.sizes))
        self._storage.resolve_output(paths[0])
        variant = number if len(image.outputs) > 1 else None
        return PlannedImage(plan, tuple(paths), variant=variant)


def _header(storage: Storage, path: str) -> Header:
    head = storage.read(path, _HEAD_BYTES)
    try:
        return probe(head)
    except DamagedImage:
        if len(head) < _HEAD_BYTES:
            raise
    return probe(storage.read(path))
