"""The kinds of jobs that a worker does to an image, and what does each."""

from typing import Protocol

from processors.fingerprint import Fingerprint, Fingerprinter
from processors.inspection import Inspection, Inspector
from processors.limits import Limits
from processors.pipeline import Processed, Runner
from processors.plan import Pipeline
from processors.raw_pixels import PixelReader, RawPixels

Job = Pipeline | Inspection | Fingerprint | RawPixels
"""What a request asks for, whatever the image. Picklable."""


class JobRunner(Protocol):
    """Does one job to many images."""

    def run(self, data: bytes, path: str | None) -> Processed:
        """Do it to the image `data` whose results go to `path`. Raises a ProcessorError."""
        ...


def runner_of(job: Job, limits: Limits) -> JobRunner:
    """What does `job`."""
    match job:
        case Pipeline():
            return Runner(job, limits)
        case Inspection():
            return Inspector(limits)
        case Fingerprint():
            return Fingerprinter(job, limits)
        case RawPixels():
            return PixelReader(limits)
