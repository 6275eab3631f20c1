"""What is asked, what is drafted, and what is planned for an image."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from processors.decoding import Channels, DecodeMode
from processors.encoding import EncodeOptions
from processors.errors import Position, StepFailed
from processors.operation import Operation, Size, Step
from processors.probing import Header, ImageFormat

Fidelity = Literal["fast", "exact"]
OnInvalid = Literal["fail", "skip"]


MOST_REDUCED = DecodeMode("gray", 8)
"""As little as can be decoded."""


class Indexed(NamedTuple):
    """A step and where it is in the request; None when the planner added it."""

    at: Position | None
    step: Step


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a request asks for, whatever the image. `channels` is as in DecodeMode."""

    steps: tuple[tuple[Position, Operation], ...] = ()
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    fidelity: Fidelity = "fast"
    on_invalid: OnInvalid = "fail"
    channels: Channels = "keep"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rules rewrite. `least` is as for `plan`."""

    header: Header
    decode: DecodeMode
    steps: tuple[Indexed, ...]
    least: DecodeMode = MOST_REDUCED

    @property
    def predictable(self) -> int:
        """How many of the first steps have sizes that are known before the image is decoded."""
        known = (position for position, (_, step) in enumerate(self.steps) if not step.predictable)
        return next(known, len(self.steps))

    def sizes(self) -> list[list[Size]]:
        """The sizes before the first step, and after each. Raises StepFailed."""
        found = [[self.decode.size(self.header)]]
        for at, step in self.steps:
            found.append(predict(at, step, found[-1]))
        return found


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step, where it is in the request or None, and the sizes after it.

    They are `exact`, or, behind a step whose sizes depend on the pixels, those that would be if
    it changed none.
    """

    at: Position | None
    step: Step
    sizes: tuple[Size, ...]
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a worker does to one image between its bytes and the results' bytes.

    `rewrites` names the rules that changed something; `skipped` says which steps were left out,
    and why; `peak_bytes` estimates the pixels held at once, without the file itself. Each step is
    applied to each of the `frames`: 1 when the first is all that is wanted.
    """

    header: Header
    decode: DecodeMode
    steps: tuple[PlannedStep, ...]
    format: ImageFormat
    encode: EncodeOptions
    rewrites: tuple[str, ...]
    skipped: tuple[StepFailed, ...]
    sizes: tuple[Size, ...]
    peak_bytes: int
    frames: int = 1


def predict(at: Position | None, step: Step, sizes: list[Size]) -> list[Size]:
    """The sizes after `step` for images of `sizes`. Raises StepFailed with the index."""
    try:
        return [after for size in sizes for after in step.output_sizes(size)]
    except StepFailed as error:
        raise StepFailed(error.op, error.detail, at) from None
