"""Jobs: batches that go on when nobody waits, and after the server was killed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from schemas.batches import Counts
from schemas.problems import Problem
from schemas.results import ImageResult

JobState = Literal["queued", "running", "completed", "cancelled", "failed"]
ENDED: frozenset[JobState] = frozenset(("completed", "cancelled", "failed"))


class Job(BaseModel):
    """A job, and how far it is."""

    id: str
    state: JobState
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: Counts = Field(description="`total` counts all images, the others those that are done.")
    bytes_in: int = Field(description="Of the inputs whose results were written so far.")
    bytes_out: int = Field(description="Of the results that were written so far.")
    rate: float | None = Field(
        description="Images a second since it was started, or went on after a stop or a retry."
    )
    remaining_seconds: float | None = Field(description="At this rate, while it runs.")
    error: Problem | None = Field(description="Why the job as a whole failed.")


class JobPage(BaseModel):
    """Some jobs, the latest first, and the cursor of the next page."""

    jobs: list[Job]
    next: str | None


class JobResults(BaseModel):
    """Some results in the order in which they were done, and the cursor of the next page."""

    results: list[ImageResult]
    next: int | None
