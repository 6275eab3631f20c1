"""A batch as a job: what of it is stored, and how it is read again."""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from processors.plan import Pipeline
from schemas.batches import BatchRequest, ImagePair
from service.engine.base import Known, WorkItem
from service.jobs.batch import ConflictFinder
from service.jobs.expansion import BatchImage, check_outputs, has_patterns, images_of
from service.jobs.walking import Search
from service.jobs.work import BatchWork, work_for
from service.storage import Storage
from service.store.jobs import StoredImage, StoredJob


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


_ASKED = {"operations", "encode", "fidelity", "on_invalid", "skip_unchanged"}


def new_job(
    request: BatchRequest, key: str | None, storage: Storage, most: int
) -> tuple[StoredJob, list[StoredImage]]:
    """The job for `request`, and its images: none when it has patterns, which it expands itself.

    It reads the disk: not for the event loop. Raises BatchRefused.
    """
    check_outputs(request)
    asked_for = request.model_dump(mode="json", include=_ASKED)
    asked_for["variants"] = [variant.as_asked() for variant in request.variants]
    content: dict[str, Any] = {"request": asked_for, "positions": request.positions}
    if request.webhook is not None:
        content["webhook"] = str(request.webhook)
    digest = _digest(content, _all_as_asked(request)) if key is not None else ""
    content["first"] = request.images[0].input if request.images else ""
    images: list[StoredImage] = []
    if has_patterns(request, storage):
        content["images"] = _all_as_asked(request)
    else:
        images, found = _kept_all(images_of(request, storage, most))
        content |= found
    job = StoredJob(
        id=secrets.token_hex(8),
        state="queued",
        created_at=now(),
        total=len(images),
        request=json.dumps(content),
        key=key,
        digest=digest,
        webhook=request.webhook is not None,
        call_at=None if request.webhook is None else 0,
    )
    return job, images


def expanded(
    job: StoredJob, storage: Storage, most: int, search: Search
) -> tuple[list[StoredImage], str]:
    """The images of a job that has patterns, and what its request is then.

    It reads the disk: not for the event loop. Raises BatchRefused, and SearchStopped.
    """
    content = json.loads(job.request)
    asked = content.pop("images")
    request = BatchRequest.model_validate({**content["request"], "images": asked})
    images, found = _kept_all(images_of(request, storage, most, search))
    return images, json.dumps(content | found)


def is_expanded(job: StoredJob) -> bool:
    """Whether its images are stored."""
    return "images" not in json.loads(job.request)


def image_from(stored: StoredImage) -> BatchImage:
    """What `_kept` was given."""
    source, outputs, *more = stored
    if isinstance(outputs, str):
        return BatchImage(source, (outputs,))
    return BatchImage(source, tuple(outputs), *more)


def _kept_all(images: Iterable[BatchImage]) -> tuple[list[StoredImage], dict[str, Any]]:
    """Images as they are stored, and which of them are in each other's way."""
    finder = ConflictFinder()
    kept: list[StoredImage] = []
    for image in images:
        finder.add(image)
        kept.append(_kept(image))
    return kept, asdict(finder.found(str(one[0]) for one in kept))


def _kept(image: BatchImage) -> StoredImage:
    """An image as it is stored: mostly a pair of paths."""
    if len(image.outputs) == 1 and not image.open and image.variants is None:
        return [image.input, image.output]
    return [image.input, image.outputs, image.open, image.variants]


def _all_as_asked(request: BatchRequest) -> list[dict[str, Any]]:
    return [_as_asked(image) for image in request.images]


def _as_asked(image: ImagePair) -> dict[str, Any]:
    asked: dict[str, Any] = {"input": image.input}
    if image.output is not None:
        asked["output"] = image.output
    if image.variants is not None:
        asked["variants"] = [one.as_asked() for one in image.variants]
    return asked


def _digest(content: dict[str, Any], images: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([content, images], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JobWork:
    """What a job does to its images.

    `taken` are the indexes of images whose output an earlier one has; `once` are those that must
    not be done twice, as their input is somebody's output.
    """

    work: BatchWork
    taken: frozenset[int] = frozenset()
    once: frozenset[int] = frozenset()
    skip_unchanged: bool = False

    @property
    def pipeline(self) -> Pipeline:
        return self.work.pipeline

    def item(self, index: int, image: BatchImage, known: Known | None = None) -> WorkItem:
        return self.work.item(index, image, index not in self.once, known)


def webhook_of(job: StoredJob) -> str | None:
    """The URL that is to be called at its end."""
    url: str | None = json.loads(job.request).get("webhook")
    return url


def work_of(job: StoredJob) -> JobWork:
    """Raises ValidationError when an operation is not known any more."""
    content = json.loads(job.request)
    request = BatchRequest.model_validate({"images": [], **content["request"]})
    work = work_for(request)
    steps = tuple(
        (at, operation)
        for at, (_, operation) in zip(content["positions"], work.pipeline.steps, strict=True)
    )
    return JobWork(
        BatchWork(replace(work.pipeline, steps=steps), work.variants),
        frozenset(content.get("taken", ())),
        frozenset(content.get("once", ())),
        request.skip_unchanged,
    )
