"""Bytes of an image in, bytes of its results out: all that a worker does."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import cv2

from processors import metadata
from processors.animation import Timeline, decode_animation, encode_animation, produce_alike
from processors.decoding import decode
from processors.embedding import HOLDING, kept
from processors.encoding import encode
from processors.errors import OutOfMemory, ProcessorError, StepFailed
from processors.limits import Limits
from processors.metadata import Metadata
from processors.opencv_errors import lacks_memory, reason_of
from processors.operation import Image, Size, Step, size_of
from processors.plan import Pipeline, Plan, PlannedStep
from processors.planner import plan
from processors.probing import Header, ImageFormat, probe

_CACHED_PLANS = 256


@dataclass(slots=True)
class Timings:
    """Milliseconds; `steps` are the operations one by one, each with its name, after rewriting."""

    decode: float
    operations: float
    encode: float
    total: float
    steps: tuple[tuple[str, float], ...] = ()


class Encoded(NamedTuple):
    """One result: a whole file, of the variant with that number."""

    data: bytes
    size: Size
    format: ImageFormat
    frames: int = 1
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of one image; `skipped` are the steps that were left out, and why."""

    images: list[Encoded]
    timings: Timings
    skipped: tuple[StepFailed, ...]


class Runner:
    """Runs one pipeline over many images. Images alike (in header and format) share a plan."""

    def __init__(self, pipeline: Pipeline, limits: Limits) -> None:
        self.pipeline = pipeline
        self.limits = limits
        self._plans: dict[tuple[Header, ImageFormat], Plan] = {}

    def plan(self, header: Header, path: str | None) -> Plan:
        """The plan for an image with `header` whose result goes to `path`. Raises as `run`."""
        format = self.pipeline.encode.format_for(path, otherwise=header.format)
        key = (header, format)
        if key not in self._plans:
            if len(self._plans) >= _CACHED_PLANS:
                self._plans.clear()
            self._plans[key] = plan(self.pipeline, header, format, self.limits)
        return self._plans[key]

    def run(self, data: bytes, path: str | None) -> Processed:
        """Process the image `data`; the extension of `path` decides the format unless it is set.

        Raises a ProcessorError: StepFailed with the index of the operation, an ImageError,
        EncodeError or OutOfMemory.
        """
        started = perf_counter()
        self.limits.check_bytes(len(data))
        plan = self.plan(probe(data), path)
        images, timeline = decode_as(plan, data)
        decoded = perf_counter()
        skipped = list(plan.skipped)
        steps: list[tuple[str, float]] = []
        applied = decoded
        for step in plan.steps:
            images = self.apply(step, images, plan.frames, skipped)
            begun, applied = applied, perf_counter()
            steps.append((step.step.op, milliseconds(applied - begun)))
        results = encode_as(plan, images, timeline, data)
        timings = timings_of(started, decoded, applied, perf_counter(), steps)
        return Processed(results, timings, tuple(skipped))

    def apply(
        self, planned: PlannedStep, images: list[Image], frames: int, skipped: list[StepFailed]
    ) -> list[Image]:
        """What a step makes of `images`.

        They are the parts of a split, one behind the other, each with all of its `frames`. A step
        that is left out is added to `skipped`. Raises StepFailed and OutOfMemory.
        """
        try:
            if not planned.exact:
                self._check_sizes(planned.step, images[::frames], frames)
            if frames > 1:
                return produce_alike(planned.step, images, frames)
            return [result for image in images for result in planned.step.produce(image)]
        except (Exception, SystemExit) as error:
            failure = _translated(planned, error)
            if self.pipeline.on_invalid == "skip" and isinstance(failure, StepFailed):
                skipped.append(failure)
                return images
            raise failure from error

    def _check_sizes(self, step: Step, images: list[Image], frames: int) -> None:
        """What planning could not do. Raises StepFailed."""
        sizes = [after for image in images for after in step.output_sizes(size_of(image))]
        self.limits.check_sizes(step.op, sizes, frames)


def decode_as(plan: Plan, data: bytes) -> tuple[list[Image], Timeline | None]:
    """The frames of `data`, and the times of an animation. Raises ImageError."""
    if plan.frames > 1:
        return decode_animation(data, plan.header, plan.decode)
    return [decode(data, plan.header, plan.decode)], None


def encode_as(
    plan: Plan, images: list[Image], timeline: Timeline | None, data: bytes
) -> list[Encoded]:
    """The results, with what they keep of the metadata of `data`. Raises EncodeError."""
    if timeline is not None:
        return _moving(images, timeline, plan)
    return _encoded(images, plan, _kept(data, plan))


def _kept(data: bytes, plan: Plan) -> Metadata | None:
    """The metadata of the input that belong into its results."""
    if plan.encode.metadata == "strip" or plan.format not in HOLDING:
        return None
    return kept(metadata.read(data, plan.header.format), plan.encode.metadata)


def _encoded(images: list[Image], plan: Plan, beside: Metadata | None) -> list[Encoded]:
    return [
        Encoded(encode(image, plan.format, plan.encode, beside), size_of(image), plan.format)
        for image in images
    ]


def _moving(images: list[Image], timeline: Timeline, plan: Plan) -> list[Encoded]:
    parts = (images[at : at + plan.frames] for at in range(0, len(images), plan.frames))
    return [
        Encoded(
            encode_animation(part, timeline, plan.format, plan.encode),
            size_of(part[0]),
            plan.format,
            plan.frames,
        )
        for part in parts
    ]


def _translated(planned: PlannedStep, error: BaseException) -> ProcessorError:
    op, at = planned.step.op, planned.at
    if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and lacks_memory(error)):
        return OutOfMemory(f"{op}: needs more memory than a worker may use")
    if isinstance(error, StepFailed):
        return StepFailed(op, error.detail, at)
    if isinstance(error, cv2.error):
        return StepFailed(op, reason_of(error), at)
    return StepFailed(op, f"{type(error).__name__}: {error}", at)


def timings_of(
    started: float,
    decoded: float,
    applied: float,
    encoded: float,
    steps: Iterable[tuple[str, float]],
) -> Timings:
    """From moments in seconds, and what each step took."""
    return Timings(
        decode=milliseconds(decoded - started),
        operations=milliseconds(applied - decoded),
        encode=milliseconds(encoded - applied),
        total=milliseconds(encoded - started),
        steps=tuple(steps),
    )


def milliseconds(seconds: float) -> float:
    """To the microsecond: round() takes thrice as long."""
    return int(seconds * 1e6) / 1e3
