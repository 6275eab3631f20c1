"""From what the engine and the planner give to what the API shows."""

from dataclasses import asdict

from processors.errors import StepFailed
from processors.plan import Pipeline
from schemas.batches import ImagePair, ImagePlan, PlannedOperation
from schemas.operations import SkippedOperation
from schemas.results import ImageResult, Warning
from service.engine.base import ItemResult
from service.errors import problem_of
from service.jobs.batch import status_of
from service.jobs.plans import PlannedImage


def image_result(image: ImagePair, result: ItemResult, pipeline: Pipeline) -> ImageResult:
    """What became of one image of a batch."""
    return ImageResult(
        result.index,
        image.input,
        status_of(result, pipeline),
        result.outputs,
        None if result.error is None else problem_of(result.error, result.index),
        result.timings,
        [step_warning(failure) for failure in result.skipped],
    )


def image_plan(index: int, image: ImagePair, planned: PlannedImage) -> ImagePlan:
    """What would become of one image."""
    plan = planned.plan
    return ImagePlan(
        index=index,
        input=image.input,
        source=asdict(plan.header) if plan else None,
        decode=plan.decode.describe() if plan else None,
        steps=[
            PlannedOperation(
                operation=step.at,
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
    return Warning(pointer=f"/operations/{failure.step}", detail=str(failure))


def operation_warning(skipped: SkippedOperation) -> Warning:
    return Warning(pointer=f"/operations/{skipped.at}", detail=skipped.detail)
