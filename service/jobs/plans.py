"""What a batch would do, from the headers of its inputs alone."""

from dataclasses import dataclass

from processors.errors import DamagedImage, ProcessorError
from processors.jobs import Planner, planner_of
from processors.limits import Limits
from processors.plan import Pipeline, Plan
from processors.probing import Header, probe
from processors.variants import Variants
from service.jobs.expansion import BatchImage
from service.jobs.work import BatchWork
from service.storage import Storage, StorageError, places

_HEAD_BYTES = 256 * 1024
"""Nearly every header lies in here, though a JPEG may have megabytes of metadata before it."""


@dataclass(frozen=True)
class PlannedImage:
    """A plan and the paths that it would write, or the error that it would meet.

    `variant` is its number; None for an image without any, and for its own output.
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
        """One for each variant, or just one: also where all would meet one error."""
        try:
            header = _header(self._storage, image.input)
            try:
                plans = self._planner(image).plans(header, image.outputs)
                return [self._planned(image, number, plan) for number, plan in enumerate(plans)]
            except (ProcessorError, StorageError):
                job = self._work.job(image)
                if not isinstance(job, Variants):
                    raise
                return self._apart(image, header, job)
        except (ProcessorError, StorageError) as error:
            return [PlannedImage(error=error)]

    def _apart(self, image: BatchImage, header: Header, job: Variants) -> list[PlannedImage]:
        """Each variant as if it were the only one: what is wrong with one hides no other."""
        found = [
            self._alone(image, header, number, pipeline)
            for number, pipeline in enumerate(job.pipelines())
        ]
        if len({str(one.error) for one in found}) == 1:  # it is no variant's own
            return [PlannedImage(error=found[0].error)]
        return found

    def _alone(
        self, image: BatchImage, header: Header, number: int, pipeline: Pipeline
    ) -> PlannedImage:
        try:
            (plan,) = planner_of(pipeline, self._limits).plans(header, [image.outputs[number]])
            return self._planned(image, number, plan)
        except (ProcessorError, StorageError) as error:
            return PlannedImage(error=error, variant=self._work.variant(image, number))

    def _planner(self, image: BatchImage) -> Planner:
        usual = self._work.is_usual(image)
        return self._usual if usual else planner_of(self._work.job(image), self._limits)

    def _planned(self, image: BatchImage, number: int, plan: Plan) -> PlannedImage:
        path = image.outputs[number]
        if image.open:
            path = path.format(width=plan.sizes[0].width, height=plan.sizes[0].height)
        paths = places(path, len(plan.sizes))
        self._storage.resolve_output(paths[0])
        return PlannedImage(plan, tuple(paths), variant=self._work.variant(image, number))


def _header(storage: Storage, path: str) -> Header:
    head = storage.read(path, _HEAD_BYTES)
    try:
        return probe(head)
    except DamagedImage:
        if len(head) < _HEAD_BYTES:
            raise
    return probe(storage.read(path))
