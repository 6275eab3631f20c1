"""What is kept of a batch while it runs: counts and the first failures, not every result."""

import time
from collections import Counter
from dataclasses import dataclass, field

from processors.errors import StepFailed
from processors.plan import Pipeline
from schemas.batches import Counts
from schemas.results import ImageResult, Status
from service.engine.base import ItemResult
from service.jobs.batch import Batch, counts_of, status_of
from service.jobs.expansion import BatchImage
from service.problems import problem_of
from service.views import image_result

SHOWN_FAILURES = 20


@dataclass(frozen=True)
class Failure:
    """One image that failed; `step` is the operation at fault, empty when it was none."""

    index: int
    input: str
    problem: str
    step: str


@dataclass
class Tally:
    """The state of a batch. `results` are kept only where `keep` says so."""

    batch: Batch
    keep: bool = False
    statuses: Counter[Status] = field(default_factory=Counter)
    bytes: int = 0
    failures: list[Failure] = field(default_factory=list)
    results: list[ImageResult] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def counts(self) -> Counts:
        return counts_of(self.statuses)

    @property
    def total(self) -> int:
        return len(self.batch.images)

    @property
    def done(self) -> int:
        return self.counts.total

    @property
    def failed(self) -> int:
        return self.counts.failed

    def add(self, result: ItemResult) -> None:
        """Take account of one image."""
        image = self.batch.images[result.index]
        status = status_of(result, self.batch.pipeline)
        self.statuses[status] += 1
        self.bytes += result.bytes_out
        if status == "failed" and len(self.failures) < SHOWN_FAILURES:
            self.failures.append(_failure(image, result, self.batch.pipeline))
        if self.keep:
            self.results.append(image_result(image, result, self.batch.pipeline))

    def summary(self) -> str:
        """One line: `4 images in 0.9 s (4.4 images/s): 3 succeeded, 1 failed, ...`."""
        seconds = time.monotonic() - self.started
        return summary_line(self.total, self.done, self.counts, self.bytes, seconds)


def summary_line(
    total: int, done: int, counts: Counts, written: int, seconds: float, before: int = 0
) -> str:
    """One line about a batch; `before` of its `done` images were done by an earlier run."""
    number = f"{done}" if done == total else f"{done} of {total}"
    images = "image" if total == 1 else "images"
    earlier = f", {before} of them before," if before else ""
    rate = (done - before) / max(seconds, 1e-3)
    return (
        f"{number} {images}{earlier} in {seconds:.1f} s ({rate:.1f} images/s): "
        f"{counts.succeeded} succeeded, {counts.failed} failed, {counts.skipped} skipped; "
        f"{written / 1e6:.1f} MB written"
    )


def _failure(image: BatchImage, result: ItemResult, pipeline: Pipeline) -> Failure:
    assert result.error is not None
    detail = problem_of(result.error).detail
    return Failure(result.index, image.input, detail, _step(result.error, pipeline))


def _step(error: Exception, pipeline: Pipeline) -> str:
    """The operation at fault by its index in the request, with its text."""
    if not isinstance(error, StepFailed) or error.step is None:
        return ""
    operation = dict(pipeline.steps).get(error.step)
    return f"{error.step}: {operation.text() if operation else error.op}"
