"""A batch as a job: what of it is stored, and how it is read again."""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

from processors.plan import Pipeline
from schemas.batches import BatchRequest, ImagePair, PipelineRequest
from service.engine.base import WorkItem
from service.jobs.batch import Batch, conflicts
from service.store.jobs import Pair, StoredJob
from service.transfer import FileSink, FileSource


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def new_job(request: BatchRequest, key: str | None) -> tuple[StoredJob, list[Pair]]:
    """The job for `request`, and its images."""
    found = conflicts(Batch(request.pipeline(), request.images))
    content = {
        "request": request.model_dump(
            mode="json", include={"operations", "encode", "fidelity", "on_invalid"}
        ),
        "positions": request.positions,
        "taken": found.taken,
        "once": found.once,
    }
    if request.webhook is not None:
        content["webhook"] = str(request.webhook)
    images = [(image.input, image.output) for image in request.images]
    job = StoredJob(
        id=secrets.token_hex(8),
        state="queued",
        created_at=now(),
        total=len(images),
        request=json.dumps(content),
        key=key,
        digest=_digest(content, images) if key is not None else "",
    )
    return job, images


def _digest(content: dict[str, Any], images: list[Pair]) -> str:
    return hashlib.sha256(json.dumps([content, images], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JobWork:
    """What a job does to its images.

    `taken` are the indexes of images whose output an earlier one has; `once` are those that must
    not be done twice, as their input is somebody's output.
    """

    pipeline: Pipeline
    taken: frozenset[int]
    once: frozenset[int]

    def item(self, index: int, image: ImagePair) -> WorkItem:
        repeatable = index not in self.once
        return WorkItem(index, FileSource(image.input), FileSink(image.output), repeatable)


def webhook_of(job: StoredJob) -> str | None:
    """The URL that is to be called at its end."""
    url: str | None = json.loads(job.request).get("webhook")
    return url


def work_of(job: StoredJob) -> JobWork:
    """Raises ValidationError when an operation is not known any more."""
    content = json.loads(job.request)
    pipeline = PipelineRequest.model_validate(content["request"]).pipeline()
    steps = tuple(
        (at, operation)
        for at, (_, operation) in zip(content["positions"], pipeline.steps, strict=True)
    )
    pipeline = replace(pipeline, steps=steps)
    return JobWork(pipeline, frozenset(content["taken"]), frozenset(content["once"]))
