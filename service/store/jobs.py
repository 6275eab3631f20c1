"""The part of a store that keeps jobs.

A job belongs to one process at a time, by a lease that the process renews. Whoever finds a lease
lapsed may claim the job, and goes on with the images that have no result. Every change by the owner
names it: one that lost the lease meanwhile changes nothing. Times are microseconds since 1970.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.jobs import ENDED, JobState
from schemas.results import Status
from service.store.errors import KeyReused, QueueFull

IMAGES_A_CHUNK = 1000

INTERNAL_ERROR = "internal error: the log of the server has the cause"
"""The error of a job that failed as nobody expected."""


@dataclass(slots=True)
class StoredJob:
    """A job as it is kept.

    `request` is the JSON of what is done to each image; `key` and `digest` are those of the
    request's Idempotency-Key, if it had one. `next_seq` is the number of its next result.
    `resumed_at` is when it was claimed last, and `done_before` how many images had a result then.
    `call_at` is from when on any process may call its webhook once it has ended; None: not at all.
    """

    id: str
    state: JobState
    created_at: int
    total: int
    request: str
    key: str | None = None
    digest: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    owner: str | None = None
    lease_until: int = 0
    cancelling: bool = False
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    bytes_out: int = 0
    next_seq: int = 1
    error: str | None = None
    bytes_in: int = 0
    resumed_at: int | None = None
    done_before: int = 0
    webhook: bool = False
    call_at: int | None = None


@dataclass(slots=True)
class StoredResult:
    """What became of one image.

    `seq` ascends from 1 with a job's results as they are stored, and is given once. Numbers may be
    left out, where a process died or lost the job in the middle of storing some.
    """

    seq: int
    index: int
    status: Status
    bytes_out: int
    content: str
    bytes_in: int = 0


class Backlog(NamedTuple):
    """Jobs that wait or run, and their images without a result.

    A job whose patterns have not been expanded yet counts without images.
    """

    jobs: int
    images: int


StoredImage = Sequence[Any]
"""An image as it is kept: JSON that `service.jobs` makes and reads."""


def chunks_of(images: Sequence[StoredImage]) -> list[str]:
    """The images as JSON, by chunks: of a hundred thousand, nothing for an event loop."""
    starts = range(0, len(images), IMAGES_A_CHUNK)
    return [json.dumps(images[start : start + IMAGES_A_CHUNK]) for start in starts]


KINDS: tuple[Status, ...] = ("succeeded", "failed", "skipped")
"""The fields that count results."""


def same_request(found: StoredJob, wanted: StoredJob) -> StoredJob:
    """`found`, which has the key of `wanted`. Raises KeyReused for another request."""
    if found.digest != wanted.digest:
        raise KeyReused("this Idempotency-Key was used for another request")
    return found


def check_queue(unfinished: int, most: int) -> None:
    """Raises QueueFull."""
    if unfinished >= most:
        raise QueueFull(f"{most} jobs wait or run, the limit (DARKROOM_MAX_QUEUED_JOBS)")


def may_retry(job: StoredJob) -> bool:
    """Whether there is something to do again in it, or still to do.

    One without images may not have come so far as to find them.
    """
    left = job.total - job.succeeded - job.skipped
    unknown = job.total == 0 and job.state != "completed"
    return job.state in ENDED and (left > 0 or unknown)


class JobStore(ABC):
    """See above. Methods raise StoreUnavailable as those of the other parts do."""

    @abstractmethod
    async def create(
        self, job: StoredJob, images: Sequence[StoredImage], most: int = sys.maxsize
    ) -> StoredJob:
        """Store a job with its images, all or nothing.

        When another has its key and its digest, gives that one instead, also for many calls at
        once. Raises KeyReused when the key stands for another digest; else QueueFull when `most`
        jobs wait or run.
        """

    @abstractmethod
    async def get(self, id: str) -> StoredJob:
        """Raises NotStored."""

    @abstractmethod
    async def page(
        self, state: JobState | None, before: tuple[int, str] | None, limit: int
    ) -> list[StoredJob]:
        """The latest jobs first, by creation and id; those behind `before` if it is given."""

    @abstractmethod
    async def expand(
        self, id: str, owner: str, images: Sequence[StoredImage], request: str
    ) -> StoredJob:
        """Store the images of a job that was created without them, and what its request is now.

        All or nothing: what a process that died has stored is replaced. Raises LeaseLost.
        """

    @abstractmethod
    async def images(self, id: str, chunk: int) -> list[StoredImage]:
        """Chunk `chunk` of the images, of IMAGES_A_CHUNK each; empty behind the last."""

    @abstractmethod
    async def claim(self, owner: str, now: int, until: int) -> StoredJob | None:
        """Take the oldest job that waits, or whose lease has lapsed; None when there is none.

        Its counts are then those of the results that are stored, and so is `done_before`.
        """

    @abstractmethod
    async def renew(self, id: str, owner: str, until: int) -> StoredJob:
        """Raises LeaseLost."""

    @abstractmethod
    async def release(self, id: str, owner: str) -> None:
        """Let the job wait again, for any process. Raises LeaseLost."""

    @abstractmethod
    async def add_results(self, id: str, owner: str, results: Sequence[StoredResult]) -> None:
        """Store results and count them. Raises LeaseLost; then none was stored."""

    @abstractmethod
    async def end(
        self, id: str, owner: str, state: JobState, now: int, error: str | None = None
    ) -> None:
        """Raises LeaseLost."""

    @abstractmethod
    async def cancel(self, id: str, now: int) -> StoredJob:
        """Cancel a job that waits; ask the owner of one that runs. An ended one stays as it is.

        Raises NotStored.
        """

    @abstractmethod
    async def retry(self, id: str) -> StoredJob:
        """Forget the results of the images that failed, and let the job wait.

        A job that has not ended, or in which all is done and nothing failed, stays as it is: of
        many calls at once one has an effect. Raises NotStored.
        """

    @abstractmethod
    async def take_call(self, now: int, until: int) -> StoredJob | None:
        """A job that has ended, whose webhook is to be called; no other is given it before `until`.

        None when there is none.
        """

    @abstractmethod
    async def set_call(self, id: str, ended_at: int, moment: int | None) -> None:
        """Let the webhook for that end be called from `moment` on, or no more.

        A job that does not end then any more, as it was retried or removed, stays as it is.
        """

    @abstractmethod
    async def remove(self, id: str) -> None:
        """Remove an ended job. Raises NotStored, and JobNotEnded while it has not ended."""

    @abstractmethod
    async def expire(self, before: int) -> int:
        """Remove the jobs that ended before then; gives how many."""

    @abstractmethod
    async def done(self, id: str) -> list[int]:
        """The indexes of the images that have a result, in no order."""

    @abstractmethod
    async def results(
        self, id: str, after: int, limit: int, status: Status | None = None
    ) -> list[StoredResult]:
        """Results behind the number `after`, in their order."""

    @abstractmethod
    async def result(self, id: str, index: int) -> StoredResult:
        """That of image `index`. Raises NotStored while there is none."""

    @abstractmethod
    async def backlog(self) -> Backlog:
        """What there is still to do, for all processes together."""
