"""What is kept of a folder that is sent: counts, times, and the first failures."""

import math
import time
from array import array
from dataclasses import dataclass, field

from service.cli.output import EXIT_FAILED
from service.cli.tally import SHOWN_FAILURES, Failure


@dataclass
class SendTally:
    """The state of what is sent. `latencies` are seconds from sending to the answer."""

    total: int
    acknowledged: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        return self.acknowledged + self.failed

    def fail(self, index: int, path: str, problem: str) -> None:
        """Take account of an image that failed."""
        self.failed += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append(Failure(index, path, problem, ""))

    def exit_code(self) -> int:
        return EXIT_FAILED if self.failed else 0

    def summary(self) -> str:
        """One line: `3 of 4 images in 0.9 s (3.3 images/s): 2 acknowledged, 1 failed; ...`."""
        seconds = time.monotonic() - self.started
        number = f"{self.done}" if self.done == self.total else f"{self.done} of {self.total}"
        images = "image" if self.total == 1 else "images"
        rate = self.done / max(seconds, 1e-3)
        return (
            f"{number} {images} in {seconds:.1f} s ({rate:.1f} images/s): "
            f"{self.acknowledged} acknowledged, {self.failed} failed{self._latency()}"
        )

    def _latency(self) -> str:
        if not self.latencies:
            return ""
        found = sorted(self.latencies)
        middle, late = (_quantile(found, share) * 1000 for share in (0.5, 0.95))
        return f"; latency: median {middle:.1f} ms, 95th percentile {late:.1f} ms"


def _quantile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank)."""
    return ordered[math.ceil(share * len(ordered)) - 1]
