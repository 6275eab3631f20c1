"""What a batch would do, from the headers of its inputs alone."""

from dataclasses import dataclass

from processors.errors import DamagedImage, ProcessorError
from processors.pipeline import Runner
from processors.plan import Plan
from processors.probing import Header, probe
from schemas.batches import ImagePair
from service.storage import Storage, StorageError, numbered

_HEAD_BYTES = 256 * 1024
"""Nearly every header lies in here, though a JPEG may have megabytes of metadata before it."""


@dataclass(frozen=True)
class PlannedImage:
    """A plan and the paths that it would write, or the error that it would meet."""

    plan: Plan | None = None
    outputs: tuple[str, ...] = ()
    error: Exception | None = None


def plan_image(runner: Runner, storage: Storage, image: ImagePair) -> PlannedImage:
    """Plan one image. It reads the disk: not for the event loop."""
    try:
        plan = runner.plan(_header(storage, image.input), image.output)
        count = len(plan.sizes)
        paths = [image.output] if count == 1 else numbered(image.output, count)
        storage.resolve_output(paths[0])
    except (ProcessorError, StorageError) as error:
        return PlannedImage(error=error)
    return PlannedImage(plan, tuple(paths))


def _header(storage: Storage, path: str) -> Header:
    head = storage.read(path, _HEAD_BYTES)
    try:
        return probe(head)
    except DamagedImage:
        if len(head) < _HEAD_BYTES:
            raise
    return probe(storage.read(path))
