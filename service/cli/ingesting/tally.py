"""What became of a folder's images."""

import time
from dataclasses import dataclass, field

from schemas.collections import Refused
from schemas.problems import Problem
from service.cli.tally import SHOWN_FAILURES, Failure
from service.problems import problem_of


@dataclass
class IngestTally:
    """By name. `received` are those of a server that does not say what it did with them.

    `connection` is what the server calls the last one, empty when it has no name for it, and None
    until the server was ready.
    """

    collection: str
    names: list[str]
    inserted: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    connection: str | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        return len(self.names)

    @property
    def acknowledged(self) -> int:
        """How many images the server has got."""
        return len(self.inserted) + len(self.existing) + len(self.received)

    @property
    def failed(self) -> int:
        return len(self.refused)

    @property
    def done(self) -> int:
        return self.acknowledged + self.failed

    @property
    def failures(self) -> list[Failure]:
        """The first of them, with the numbers of their images."""
        numbers = {name: index for index, name in enumerate(self.names)}
        return [
            Failure(numbers[item.name], item.name, item.error.detail, "")
            for item in self.refused[:SHOWN_FAILURES]
        ]

    def refuse(self, name: str, why: Exception | Problem) -> None:
        problem = why if isinstance(why, Problem) else problem_of(why)
        self.refused.append(Refused(name=name, error=problem))

    def summary(self) -> str:
        """One line: `4 images in 0.2 s (20.0 images/s): 3 inserted, 1 existing, 0 failed`."""
        seconds = time.monotonic() - self.started
        number = f"{self.done}" if self.done == self.total else f"{self.done} of {self.total}"
        images = "image" if self.total == 1 else "images"
        rate = self.done / max(seconds, 1e-3)
        kinds = {
            "inserted": len(self.inserted),
            "existing": len(self.existing),
            "received": len(self.received),
        }
        shown = ("received",) if self.received else ("inserted", "existing")
        counts = ", ".join(f"{kinds[kind]} {kind}" for kind in shown)
        return (
            f"{number} {images} in {seconds:.1f} s ({rate:.1f} images/s): "
            f"{counts}, {self.failed} failed"
        )

    def answer(self) -> dict[str, object]:
        """For `--json`: as HTTP answers, and what HTTP has no word for."""
        return {
            "collection": self.collection,
            "inserted": self.inserted,
            "existing": self.existing,
            "received": self.received,
            "failed": [item.model_dump() for item in self.refused],
            "unanswered": self.total - self.done,
        }
