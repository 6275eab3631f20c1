"""From what the engine and the planner give to what the API shows."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from fastapi import Response
from pydantic import TypeAdapter

from processors.errors import StepFailed
from processors.plan import Pipeline
from schemas.batches import (
    BatchResponse,
    Counts,
    EndState,
)
from schemas.jobs import Job
from schemas.operations import SkippedOperation
from schemas.plans import ImagePlan, PlannedOperation
from schemas.results import ImageResult, Status, Warning
from service.engine.base import ItemResult
from service.errors import InvalidRequest
from service.jobs.batch import status_of
from service.jobs.expansion import BatchImage
from service.jobs.plans import PlannedImage
from service.jobs.stored import JobWork, now
from service.problems import problem_of, step_pointer
from service.store.jobs import INTERNAL_ERROR, StoredJob

RESULT = TypeAdapter(ImageResult)


def image_result(image: BatchImage, result: ItemResult, pipeline: Pipeline) -> ImageResult:
    """What became of one image of a batch."""
    return ImageResult(
        result.index,
        image.input,
        status_of(result, pipeline),
        result.outputs,
        None if result.error is None else problem_of(result.error, result.index),
        result.timings,
        [step_warning(failure) for failure in result.skipped],
        result.made is not None and result.made.unchanged,
    )


def batch_response(
    id: str, state: EndState, counts: Counts, warnings: list[Warning], results: Iterable[bytes]
) -> Response:
    """A BatchResponse whose results are JSON already: ten thousand are a few megabytes so."""
    answer = BatchResponse(id=id, state=state, counts=counts, warnings=warnings, results=[])
    frame = answer.model_dump_json().encode()
    assert frame.endswith(b"[]}")  # `results` is the last field
    content = frame[:-2] + b",".join(results) + b"]}"
    return Response(content, media_type="application/json")


def stored_result(image: BatchImage, result: ItemResult, work: JobWork) -> tuple[Status, str]:
    """What a job keeps of an image: its status, and the result as JSON."""
    view = image_result(image, result, work.pipeline)
    return view.status, RESULT.serializer.to_json(view).decode()


class JobFailed(Exception):
    """A job failed for a reason that is not its request's."""


def job_error(error: str) -> Exception:
    """Why a job failed as a whole: what is wrong with its request, or JobFailed."""
    if error == INTERNAL_ERROR:
        return JobFailed(error)
    return InvalidRequest(error, [("/images", error)])


def job_view(job: StoredJob) -> Job:
    """A job as the API shows it."""
    done = job.succeeded + job.failed + job.skipped
    rate = _rate(job, done - job.done_before)
    left = (job.total - done) / rate if rate and job.state == "running" else None
    return Job(
        id=job.id,
        state=job.state,
        created_at=_moment(job.created_at),
        started_at=None if job.started_at is None else _moment(job.started_at),
        ended_at=None if job.ended_at is None else _moment(job.ended_at),
        counts=Counts(
            total=job.total, succeeded=job.succeeded, failed=job.failed, skipped=job.skipped
        ),
        bytes_in=job.bytes_in,
        bytes_out=job.bytes_out,
        rate=None if rate is None else round(rate, 2),
        remaining_seconds=None if left is None else round(left, 1),
        error=None if job.error is None else problem_of(job_error(job.error)),
    )


def _rate(job: StoredJob, done: int) -> float | None:
    """Images a second in its present run, or the last if it has ended: `done` is of that run."""
    since = job.resumed_at or job.started_at
    if since is None or job.state == "queued":
        return None
    seconds = ((job.ended_at or now()) - since) / 1e6
    return done / seconds if done > 0 and seconds > 0 else None


def webhook_body(job: StoredJob) -> bytes:
    """What the webhook of a job gets: the job as the API shows it."""
    return job_view(job).model_dump_json().encode()


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def image_plan(index: int, image: BatchImage, planned: PlannedImage) -> ImagePlan:
    """What would become of one image."""
    plan = planned.plan
    return ImagePlan(
        index=index,
        variant=planned.variant,
        input=image.input,
        source=asdict(plan.header) if plan else None,
        decode=plan.decode.describe() if plan else None,
        steps=[
            PlannedOperation(
                operation=step.at[1] if isinstance(step.at, tuple) else step.at,
                own=isinstance(step.at, tuple),
                step=step.step.describe(),
                sizes=[*step.sizes],
                exact=step.exact,
            )
            for step in (plan.steps if plan else ())
        ],
        rewrites=[*plan.rewrites] if plan else [],
        outputs=[*planned.outputs],
        format=plan.format if plan else None,
        peak_bytes=plan.peak_bytes if plan else None,
        error=problem_of(planned.error, index) if planned.error else None,
        warnings=[step_warning(failure) for failure in (plan.skipped if plan else ())],
    )


def step_warning(failure: StepFailed) -> Warning:
    return Warning(pointer=step_pointer(failure), detail=str(failure))


def operation_warning(skipped: SkippedOperation) -> Warning:
    return Warning(pointer=skipped.pointer, detail=skipped.detail)
