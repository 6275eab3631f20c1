"""The kinds of jobs that a worker does to an image, and what does each."""

from collections.abc import Sequence
from typing import Protocol

from processors.errors import ProcessorError
from processors.fingerprint import Fingerprint, Fingerprinter
from processors.inspection import Inspection, Inspector
from processors.limits import Limits
from processors.pickled_image import (
    PickledFolder,
    PickledFolderRunner,
    PickledImage,
    PickledImageRunner,
)
from processors.pipeline import Processed, Runner
from processors.plan import Pipeline, Plan
from processors.probing import Header, probe
from processors.raw_pixels import PixelReader, RawPixels
from processors.variants import Variants, VariantsRunner

Job = Pipeline | Variants | Inspection | Fingerprint | RawPixels | PickledImage | PickledFolder
"""What a request asks for, whatever the image. Picklable."""


class JobRunner(Protocol):
    """Does one job to many images.

    The extensions of `names` decide the formats: there is one for each variant, else just one.
    """

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        """Do it to the image `data`. Raises a ProcessorError."""
        ...

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        """Estimate the bytes of pixels that it holds at once. Raises as `run`."""
        ...


class Planner(Protocol):
    """Plans one job for many images."""

    def plans(self, header: Header, names: Sequence[str | None]) -> Sequence[Plan]:
        """One plan for each of `names`. Raises as `run`."""
        ...


class _Single:
    """A runner of a job with one name."""

    def __init__(self, runner: Inspector | Fingerprinter | PixelReader) -> None:
        self._runner = runner

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        return self._runner.run(data, names[0])

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        sample = 2 if header.bit_depth == 16 else 1
        return 2 * header.width * header.height * header.channels * sample


class _Planned:
    """A runner of a pipeline, which plans."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        return self._runner.run(data, names[0])

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        return self._runner.plan(header, names[0]).peak_bytes

    def plans(self, header: Header, names: Sequence[str | None]) -> Sequence[Plan]:
        return [self._runner.plan(header, names[0])]


def planner_of(job: Pipeline | Variants, limits: Limits) -> Planner:
    """What plans `job`."""
    if isinstance(job, Variants):
        return VariantsRunner(job, limits)
    return _Planned(Runner(job, limits))


def runner_of(job: Job, limits: Limits) -> JobRunner:
    """What does `job`."""
    match job:
        case Pipeline():
            return _Planned(Runner(job, limits))
        case Variants():
            return VariantsRunner(job, limits)
        case Inspection():
            return _Single(Inspector(limits))
        case Fingerprint():
            return _Single(Fingerprinter(job, limits))
        case RawPixels():
            return _Single(PixelReader(limits))
        case PickledImage():
            return PickledImageRunner(job, limits)
        case PickledFolder():
            return PickledFolderRunner(job)


def peak_bytes(runner: JobRunner, data: bytes, names: Sequence[str | None]) -> int:
    """The estimate for the image `data`; 0 for one that `run` will refuse, and say why."""
    if isinstance(runner, PickledImageRunner):
        return runner.weight(data)
    try:
        return runner.peak_bytes(probe(data), names)
    except ProcessorError:
        return 0
