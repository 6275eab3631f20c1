"""The parts of a running service, put together once and handed to whoever needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from processors.limits import Limits
from service.ending import Ending
from service.engine.base import Engine
from service.engine.dispatch import Dispatcher
from service.errors import InvalidRequest
from service.jobs.runner import JobRunner
from service.jobs.unchanged import Unchanged
from service.library import Library
from service.live.camera.shared import SharedCamera
from service.metrics import Metrics
from service.remote.base import ObjectOptions
from service.remote.remotes import RemoteOptions
from service.settings import Settings
from service.storage import Storage
from service.store.base import Store


@dataclass(frozen=True)
class Services:
    """What routers and commands work with. It belongs to no event loop."""

    settings: Settings
    storage: Storage
    limits: Limits
    engine: Engine
    dispatcher: Dispatcher
    metrics: Metrics
    store: Store
    library: Library
    runner: JobRunner
    unchanged: Unchanged
    camera: SharedCamera
    ending: Ending

    def check_counts(self, images: Sequence[Any], operations: Sequence[Any]) -> None:
        """Raises InvalidRequest when a request has more of either than it may."""
        limits = self.settings.limits
        for name, items, limit in (
            ("images", images, limits.max_images),
            ("operations", operations, limits.max_operations),
        ):
            if len(items) > limit:
                detail = f"{len(items)} {name}, the limit is {limit} (DARKROOM_MAX_{name.upper()})"
                raise InvalidRequest(detail, [(f"/{name}", detail)])

    def check_job(self, images: Sequence[Any]) -> None:
        """Raises InvalidRequest when a job has more images than it may."""
        limit = self.settings.limits.max_job_images
        if len(images) > limit:
            detail = f"{len(images)} images, the limit is {limit} (DARKROOM_MAX_JOB_IMAGES)"
            raise InvalidRequest(detail, [("/images", detail)])


def storage_from(settings: Settings) -> Storage:
    roots, limit = settings.storage, settings.limits.max_image_bytes
    objects, web = settings.objects, settings.web_source
    options = RemoteOptions(
        ObjectOptions(objects.timeout, objects.total_timeout, objects.retries),
        web.timeout,
        web.allow_private,
    )
    return Storage(roots.read_roots, roots.write_roots, limit, settings.store.library, options)


def limits_from(settings: Settings) -> Limits:
    limits = settings.limits
    return Limits(limits.max_image_bytes, limits.max_pixels, limits.max_outputs, limits.max_frames)
