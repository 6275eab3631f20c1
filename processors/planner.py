"""From what was asked and an image's header to what is done: a list of named rewrite rules.

A rule takes a draft and gives a draft whose result is the same image (`exact` rules), or one that
the eye does not tell from it (`fast` rules), for less work. `fidelity: "exact"` runs the exact
rules only, so that pixels equal those of plain OpenCV.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from processors.decoding import Channels, DecodeMode
from processors.encoding import EncodeOptions, check_side
from processors.errors import StepFailed
from processors.limits import Limits
from processors.operation import Operation, Size, Step
from processors.operations.color import Grayscale
from processors.operations.geometry import Resize
from processors.orientation import Orient
from processors.probing import Header, ImageFormat
from processors.resample import Resample

Fidelity = Literal["fast", "exact"]
OnInvalid = Literal["fail", "skip"]

_REDUCTIONS = (8, 4, 2)
_MOST_SHIFT = 0.25
"""Pixels of the result, at its far edges. At half a pixel fine texture is visibly another."""


class Indexed(NamedTuple):
    """A step and where it is in the request's operations; None when the planner added it."""

    at: int | None
    step: Step


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a request asks for, whatever the image. `channels` is as in DecodeMode."""

    steps: tuple[tuple[int, Operation], ...] = ()
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    fidelity: Fidelity = "fast"
    on_invalid: OnInvalid = "fail"
    channels: Channels = "keep"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rules rewrite."""

    header: Header
    decode: DecodeMode
    steps: tuple[Indexed, ...]

    def sizes(self) -> list[list[Size]]:
        """The sizes before the first step, and after each. Raises StepFailed."""
        found = [[self.decode.size(self.header)]]
        for at, step in self.steps:
            found.append(predict(at, step, found[-1]))
        return found


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step, where it is in the request's operations or None, and the sizes after it."""

    at: int | None
    step: Step
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a worker does to one image between its bytes and the results' bytes.

    `rewrites` names the rules that changed something; `skipped` says which steps were left out,
    and why; `peak_bytes` estimates the pixels held at once, without the file itself.
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


def predict(at: int | None, step: Step, sizes: list[Size]) -> list[Size]:
    """The sizes after `step` for images of `sizes`. Raises StepFailed with the index."""
    try:
        return [after for size in sizes for after in step.output_sizes(size)]
    except StepFailed as error:
        raise StepFailed(error.op, error.detail, at) from None


def plan(pipeline: Pipeline, header: Header, format: ImageFormat, limits: Limits) -> Plan:
    """The plan for an image with `header`, written as `format`.

    Raises ImageTooLarge for the image, StepFailed for a step that cannot be applied or gives too
    much (with `on_invalid: skip` such a step is left out), EncodeError for the format.
    """
    limits.check_size(Size(header.width, header.height))
    draft, skipped = _applicable(_first_draft(pipeline, header), pipeline, limits)
    draft, rewrites = _rewrite(draft, pipeline.fidelity)
    sizes = draft.sizes()
    for size in sizes[-1]:
        check_side(format, size)
    return Plan(
        header=header,
        decode=draft.decode,
        steps=tuple(
            PlannedStep(at, step, tuple(after))
            for (at, step), after in zip(draft.steps, sizes[1:], strict=True)
        ),
        format=format,
        encode=pipeline.encode,
        rewrites=rewrites,
        skipped=skipped,
        sizes=tuple(sizes[-1]),
        peak_bytes=_peak_bytes(draft, sizes),
    )


def _first_draft(pipeline: Pipeline, header: Header) -> Draft:
    decode = DecodeMode(pipeline.channels)
    upright = Orient(1 if decode.turns_upright(header) else header.orientation)
    asked = (Indexed(at, operation) for at, operation in pipeline.steps)
    return Draft(header, decode, (Indexed(None, upright), *asked))


def _applicable(
    draft: Draft, pipeline: Pipeline, limits: Limits
) -> tuple[Draft, tuple[StepFailed, ...]]:
    """The steps that can be applied to this image, and the others' failures."""
    kept: list[Indexed] = []
    skipped: list[StepFailed] = []
    sizes = [draft.decode.size(draft.header)]
    for at, step in draft.steps:
        try:
            sizes = _within(limits, at, step, sizes)
            kept.append(Indexed(at, step))
        except StepFailed as error:
            if pipeline.on_invalid == "fail":
                raise
            skipped.append(error)
    return replace(draft, steps=tuple(kept)), tuple(skipped)


def _within(limits: Limits, at: int | None, step: Step, sizes: list[Size]) -> list[Size]:
    after = predict(at, step, sizes)
    try:
        limits.check_sizes(step.op, after)
    except StepFailed as error:
        raise StepFailed(error.op, error.detail, at) from None
    return after


# ---------------------------------------------------------------------------------------- rules


def drop_identities(draft: Draft) -> Draft:
    """Leave out steps that change nothing."""
    before = draft.sizes()
    kept = tuple(
        indexed
        for indexed, sizes in zip(draft.steps, before, strict=False)
        if not all(indexed.step.is_identity(size) for size in sizes)
    )
    return replace(draft, steps=kept)


def decode_gray(draft: Draft) -> Draft:
    """A JPEG that is turned gray is decoded as gray, if all before treats channels alike."""
    position = _position_of_grayscale(draft)
    if position is None or draft.header.format != "jpeg" or draft.decode.channels != "keep":
        return draft
    steps = draft.steps[:position] + draft.steps[position + 1 :]
    return replace(draft, decode=replace(draft.decode, channels="gray"), steps=steps)


def _position_of_grayscale(draft: Draft) -> int | None:
    for position, (_, step) in enumerate(draft.steps):
        if isinstance(step, Grayscale):
            return position
        if not getattr(step, "channelwise", False):
            return None
    return None


def resolve_resizes(draft: Draft) -> Draft:
    """State each resize in pixels, so that the next rules can change what comes before it."""
    before = draft.sizes()
    return replace(
        draft,
        steps=tuple(
            Indexed(at, step.resolve(sizes[0]))
            if isinstance(step, Resize) and len(set(sizes)) == 1
            else Indexed(at, step)
            for (at, step), sizes in zip(draft.steps, before, strict=False)
        ),
    )


def merge_resizes(draft: Draft) -> Draft:
    """One resize instead of two, unless the second enlarges what the first has shrunk."""
    merged: list[Indexed] = []
    before = draft.sizes()
    for (at, step), sizes in zip(draft.steps, before, strict=False):
        previous = merged[-1].step if merged else None
        if _mergeable(previous, step, sizes[0]):
            merged[-1] = Indexed(at, step)
        else:
            merged.append(Indexed(at, step))
    return replace(draft, steps=tuple(merged))


def _mergeable(first: Step | None, second: Step, between: Size) -> bool:
    if not isinstance(first, Resample) or not isinstance(second, Resample):
        return False
    shrinks = second.scaled.width <= between.width and second.scaled.height <= between.height
    return shrinks and first.size == first.scaled


def decode_reduced(draft: Draft) -> Draft:
    """A JPEG that is shrunk to a half or less is decoded at 1/2, 1/4 or 1/8."""
    resize = next((step for _, step in draft.steps if not isinstance(step, Orient)), None)
    decodes_reduced = draft.header.format == "jpeg" and draft.decode.channels != "bgr"
    if not isinstance(resize, Resample) or not decodes_reduced:
        return draft
    for reduction in _REDUCTIONS:
        reduced = replace(draft, decode=replace(draft.decode, reduction=reduction))
        if _suffices(_upright_size(draft), _upright_size(reduced), reduction, resize.scaled):
            return reduced
    return draft


def _upright_size(draft: Draft) -> Size:
    size = draft.decode.size(draft.header)
    for _, step in draft.steps:
        if isinstance(step, Orient):
            size = step.output_size(size)
    return size


def _suffices(whole: Size, reduced: Size, reduction: int, target: Size) -> bool:
    """Whether `target` can be made from `reduced` with no more than a slight shift of pixels.

    Reduced decoding fills the last blocks up, and so stretches sides that are no multiple of it.
    """
    return all(
        decoded >= wanted and wanted * (1 - side / (decoded * reduction)) <= _MOST_SHIFT
        for side, decoded, wanted in zip(whole, reduced, target, strict=True)
    )


def shrink_in_two_steps(draft: Draft) -> Draft:
    """Shrink by a ratio that is no integer in two fast steps instead of one slow one."""
    before = draft.sizes()
    return replace(
        draft,
        steps=tuple(
            Indexed(at, replace(step, two_steps=True))
            if isinstance(step, Resample) and step.shrinks_unevenly(sizes[0])
            else Indexed(at, step)
            for (at, step), sizes in zip(draft.steps, before, strict=False)
        ),
    )


Rule = Callable[[Draft], Draft]

EXACT_RULES: tuple[Rule, ...] = (drop_identities,)
FAST_RULES: tuple[Rule, ...] = (
    drop_identities,
    decode_gray,
    resolve_resizes,
    merge_resizes,
    decode_reduced,
    drop_identities,
    shrink_in_two_steps,
)


def _rewrite(draft: Draft, fidelity: Fidelity) -> tuple[Draft, tuple[str, ...]]:
    applied: list[str] = []
    for rule in EXACT_RULES if fidelity == "exact" else FAST_RULES:
        rewritten = rule(draft)
        if rewritten != draft and rule.__name__ not in applied:
            applied.append(rule.__name__)
        draft = rewritten
    return draft, tuple(applied)


def _peak_bytes(draft: Draft, sizes: list[list[Size]]) -> int:
    """The most that a step holds: what it takes, what it gives, and one more as large for its
    own use; for a progressive JPEG also the coefficients, 16 bits each, of the whole image."""
    header, channels = draft.header, draft.header.channels
    sample = 2 if header.bit_depth == 16 else 1
    if draft.decode.channels != "keep":
        channels, sample = (1 if draft.decode.channels == "gray" else 3), 1
    progressive = header.format == "jpeg" and header.progressive
    decoded = sizes[0][0].pixels * channels * sample
    peak = decoded + (header.width * header.height * header.channels * 2 if progressive else 0)
    for (_, step), before, after in zip(draft.steps, sizes, sizes[1:], strict=False):
        taken = sum(size.pixels for size in before) * channels * sample
        channels = step.output_channels(channels)
        given = sum(size.pixels for size in after) * channels * sample
        peak = max(peak, taken + 2 * given)
    return max(peak, 2 * sum(size.pixels for size in sizes[-1]) * channels * sample)
