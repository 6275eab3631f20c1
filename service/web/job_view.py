"""A job in the words of its pages."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from processors.encoding import EncodeOptions
from schemas.jobs import ENDED, Job
from schemas.results import ImageResult
from service.store.jobs import StoredJob, may_retry
from service.views import job_view
from service.web.pipelines import encode_text, lab_address, operation_texts


@dataclass(frozen=True)
class JobWords:
    """What a page says of a job, beside its counts.

    `seq` is the number of its last result: events behind it are news.
    """

    job: Job
    first: str
    steps: list[str]
    encode: dict[str, Any]
    seq: int
    may_retry: bool
    asked: dict[str, Any]
    positions: list[int]

    @property
    def done(self) -> int:
        counts = self.job.counts
        return counts.succeeded + counts.failed + counts.skipped

    @property
    def ended(self) -> bool:
        return self.job.state in ENDED

    @property
    def outcome(self) -> str:
        """The state as people read it: a job that ends with failures is completed all the same."""
        counts = self.job.counts
        if self.job.state != "completed" or not counts.failed:
            return self.job.state
        if not counts.succeeded + counts.skipped:
            return "completed, nothing succeeded"
        return f"completed, {counts.failed:,} failed"

    @property
    def look(self) -> str:
        """How the outcome is drawn: a state, or `partial` for a job of which a part failed."""
        if self.outcome == self.job.state:
            return self.job.state
        return "partial" if self.job.counts.failed < self.done else "failed"

    @property
    def written(self) -> str:
        """What is set of the encode options."""
        return encode_text(self.encode)

    @property
    def lab(self) -> str:
        return lab_address(self.asked["operations"], self.encode)

    @property
    def again(self) -> str:
        """Where the form for a batch begins with this pipeline."""
        handed = {"operations": json.dumps(self.asked["operations"])}
        if self.encode:
            handed["encode"] = json.dumps(self.encode)
        return "/jobs?" + urlencode(handed)

    @property
    def variants(self) -> list[tuple[str, list[str]]]:
        """The output and the operations of each."""
        return [(one["output"], operation_texts(one["operations"])) for one in self._variants]

    @property
    def of_variants(self) -> bool:
        """Whether results have operations of their own, beside those of all."""
        return any(one["operations"] for one in self._variants)

    @property
    def _variants(self) -> list[Any]:
        """None where an earlier version stored the job."""
        found: list[Any] = self.asked.get("variants", [])
        return found

    @property
    def seconds(self) -> float | None:
        """From its start to its end."""
        if self.job.started_at is None or self.job.ended_at is None:
            return None
        return (self.job.ended_at - self.job.started_at).total_seconds()

    def step_of(self, result: ImageResult) -> str:
        """Which step an image failed at, as people count: from 1."""
        if result.error is None or not result.error.errors:
            return ""
        parts = result.error.errors[0].pointer.strip("/").split("/")
        if parts[0] == "operations" and len(parts) > 1:
            return _named(int(parts[1]), self.steps, self.positions, "step")
        if parts[0] == "variants" and len(parts) > 3:
            variant = self._variants[int(parts[1])]
            steps = operation_texts(variant["operations"])
            number = int(parts[1]) + 1
            return _named(int(parts[3]), steps, [*range(len(steps))], f"variant {number}, step")
        return {"input": "reading", "output": "writing"}.get(parts[-1], "")


def words_of(stored: StoredJob) -> JobWords:
    """It reads what the store keeps of the request, also that of an earlier version."""
    content = json.loads(stored.request)
    asked = content["request"]
    usual = EncodeOptions().model_dump(mode="json")
    return JobWords(
        job=job_view(stored),
        first=content.get("first", ""),
        steps=operation_texts(asked["operations"]),
        encode={name: value for name, value in asked["encode"].items() if value != usual.get(name)},
        seq=stored.next_seq - 1,
        may_retry=may_retry(stored),
        asked=asked,
        positions=content["positions"],
    )


def readable_seconds(seconds: float) -> str:
    """As people say it: 0.42 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _named(at: int, steps: list[str], positions: list[int], what: str) -> str:
    text = steps[positions.index(at)] if at in positions else ""
    return f"{what} {at + 1}: {text}" if text else f"{what} {at + 1}"
