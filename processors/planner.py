"""From what was asked and an image's header to what is done.

`fidelity: "exact"` runs the exact rules only, so that pixels equal those of plain OpenCV.
"""

from dataclasses import replace

from processors.animation import ANIMATED
from processors.decoding import Colours, DecodeMode
from processors.embedding import HOLDING
from processors.encoding import check_side
from processors.errors import Position, StepFailed
from processors.limits import Limits
from processors.operation import Size, Step
from processors.orientation import Orient
from processors.plan import (
    MOST_REDUCED,
    Draft,
    Fidelity,
    Indexed,
    Pipeline,
    Plan,
    PlannedStep,
    predict,
)
from processors.probing import Header, ImageFormat
from processors.rules import EXACT_RULES, FAST_RULES


def plan(
    pipeline: Pipeline,
    header: Header,
    format: ImageFormat,
    limits: Limits,
    least: DecodeMode = MOST_REDUCED,
) -> Plan:
    """The plan for an image with `header`, written as `format`.

    It decodes no less than `least`: at no smaller size, and all channels unless that is gray.

    Raises ImageTooLarge for the image, StepFailed for a step that cannot be applied or gives too
    much (with `on_invalid: skip` such a step is left out), EncodeError for the format.
    """
    frames = _frames(pipeline, header, format)
    limits.check_size(Size(header.width, header.height), frames)
    first = _first_draft(pipeline, header, _colours(pipeline, header, format, frames))
    first = replace(first, least=least)
    draft, skipped = _applicable(first, pipeline, limits, frames)
    draft, rewrites = _rewrite(draft, pipeline.fidelity)
    sizes = draft.sizes()
    if draft.predictable == len(draft.steps):  # else the encoder tells
        for size in sizes[-1]:
            check_side(format, size)
    return Plan(
        header=header,
        decode=draft.decode,
        steps=tuple(
            PlannedStep(at, step, tuple(after), position < draft.predictable)
            for position, ((at, step), after) in enumerate(zip(draft.steps, sizes[1:], strict=True))
        ),
        format=format,
        encode=pipeline.encode,
        rewrites=rewrites,
        skipped=skipped,
        sizes=tuple(sizes[-1]),
        peak_bytes=_peak_bytes(draft, sizes, frames),
        frames=frames,
    )


def _frames(pipeline: Pipeline, header: Header, format: ImageFormat) -> int:
    """All, where they can be read and written; with `channels` set, the first, as OpenCV has it."""
    moving = header.format in ANIMATED and format in ANIMATED and pipeline.channels == "keep"
    return header.frames if moving else 1


def _colours(pipeline: Pipeline, header: Header, format: ImageFormat, frames: int) -> Colours:
    """Converted to sRGB, unless results keep the profile; as OpenCV has them when it is asked."""
    if not header.profile or pipeline.channels == "bgr":
        return "stored"
    as_colour = header.channels == 1 and format == "webp"  # which has no gray
    held = format in HOLDING and frames == 1 and not as_colour
    return "kept" if held and pipeline.encode.metadata == "keep" else "srgb"


def _first_draft(pipeline: Pipeline, header: Header, colours: Colours) -> Draft:
    decode = DecodeMode(pipeline.channels, colours=colours)
    upright = Orient(1 if decode.turns_upright(header) else header.orientation)
    asked = tuple(Indexed(at, operation) for at, operation in pipeline.steps)
    added = () if upright.orientation == 1 else (Indexed(None, upright),)
    return Draft(header, decode, added + asked)


def _applicable(
    draft: Draft, pipeline: Pipeline, limits: Limits, frames: int
) -> tuple[Draft, tuple[StepFailed, ...]]:
    """The steps that can be applied to this image, and the others' failures."""
    kept: list[Indexed] = []
    skipped: list[StepFailed] = []
    sizes = [draft.decode.size(draft.header)]
    known = True
    for at, step in draft.steps:
        known = known and step.predictable
        try:
            sizes = _within(limits, at, step, sizes, frames if known else 0)
            kept.append(Indexed(at, step))
        except StepFailed as error:
            if pipeline.on_invalid == "fail":
                raise
            skipped.append(error)
    return replace(draft, steps=tuple(kept)), tuple(skipped)


def _within(
    limits: Limits, at: Position | None, step: Step, sizes: list[Size], frames: int
) -> list[Size]:
    """Sizes that are not known, of 0 `frames`, are measured when they are: by the pipeline."""
    after: list[Size] = []
    try:
        for size in sizes:
            after += predict(at, step, [size])
            limits.check_count(step.op, len(after))
        limits.check_sizes(step.op, after, frames)
    except StepFailed as error:
        raise StepFailed(error.op, error.detail, at) from None
    return after


def _rewrite(draft: Draft, fidelity: Fidelity) -> tuple[Draft, tuple[str, ...]]:
    """Only up to a step that leaves the sizes open: the rules count on knowing them."""
    known, applied = draft.predictable, []
    draft, behind = replace(draft, steps=draft.steps[:known]), draft.steps[known:]
    for rule in EXACT_RULES if fidelity == "exact" else FAST_RULES:
        rewritten = rule(draft)
        if rewritten != draft and rule.__name__ not in applied:
            applied.append(rule.__name__)
        draft = rewritten
    return replace(draft, steps=draft.steps + behind), tuple(applied)


def _peak_bytes(draft: Draft, sizes: list[list[Size]], frames: int) -> int:
    """The most that a step holds: what it takes, what it gives, and one more as large for its
    own use; for a progressive JPEG also the coefficients, 16 bits each, of the whole image. The
    frames of an animation are held all at once."""
    header, channels = draft.header, draft.header.channels
    sample = 2 if header.bit_depth == 16 else 1
    if draft.decode.channels != "keep":
        channels, sample = (1 if draft.decode.channels == "gray" else 3), 1
    if frames > 1:
        channels = 4
    progressive = header.format == "jpeg" and header.progressive
    decoded = sizes[0][0].pixels * channels * sample
    peak = decoded + (header.width * header.height * header.channels * 2 if progressive else 0)
    for (_, step), before, after in zip(draft.steps, sizes, sizes[1:], strict=False):
        taken = sum(size.pixels for size in before) * channels * sample
        channels = step.output_channels(channels)
        given = sum(size.pixels for size in after) * channels * sample
        peak = max(peak, taken + 2 * given)
    peak = max(peak, 2 * sum(size.pixels for size in sizes[-1]) * channels * sample)
    return peak * frames
