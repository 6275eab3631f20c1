"""What is kept of a job that is followed: how far it is, and its first failures."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.jobs import Job
from schemas.results import ImageResult
from service.cli.output import EXIT_FAILED, EXIT_INTERRUPTED
from service.cli.tally import Failure, summary_line

_OPERATION = "/operations/"


@dataclass
class JobTally:
    """The state of a job; `before` of its images were done when it was taken up again."""

    job: Job
    before: int = 0
    failures: list[Failure] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        return self.job.counts.total

    @property
    def done(self) -> int:
        counts = self.job.counts
        return counts.succeeded + counts.failed + counts.skipped

    @property
    def failed(self) -> int:
        return self.job.counts.failed

    def summary(self) -> str:
        """As that of a batch that is no job."""
        job, seconds = self.job, time.monotonic() - self.started
        return summary_line(self.total, self.done, job.counts, job.bytes_out, seconds, self.before)

    def exit_code(self) -> int:
        """Of a job that has ended."""
        if self.job.state == "cancelled":
            return EXIT_INTERRUPTED
        return EXIT_FAILED if self.failed or self.job.state == "failed" else 0


def failures_of(results: Iterable[ImageResult], operations: Mapping[int, Any]) -> list[Failure]:
    """The rows of results that failed; `operations` are the request's, by index, as written."""
    return [
        Failure(result.index, result.input, result.error.detail, _step(result, operations))
        for result in results
        if result.error is not None
    ]


def _step(result: ImageResult, operations: Mapping[int, Any]) -> str:
    """The operation at fault by its index in the request, with its text."""
    faults = result.error.errors if result.error is not None else []
    found = [fault.pointer for fault in faults if fault.pointer.startswith(_OPERATION)]
    number = found[0].removeprefix(_OPERATION) if found else ""
    if not number.isdecimal() or int(number) not in operations:
        return number
    operation = operations[int(number)]
    return f"{number}: {operation if isinstance(operation, str) else json.dumps(operation)}"
