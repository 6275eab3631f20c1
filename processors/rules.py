"""The planner's rules: each takes a draft and gives one that is less work.

The result is the same image (`EXACT_RULES`), or one that the eye does not tell from it
(`FAST_RULES`). A rule that finds nothing to do gives the draft as it is.
"""

from collections.abc import Callable
from dataclasses import replace

from processors.operation import Size, Step
from processors.operations.color import Grayscale
from processors.orientation import Orient
from processors.plan import Draft, Indexed
from processors.resample import Resample, Resizing

_REDUCTIONS = (8, 4, 2)
_MOST_SHIFT = 0.25
"""Pixels of the result, at its far edges. At half a pixel fine texture is visibly another."""


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
    position = _position_of_grayscale(draft) if draft.least.channels == "gray" else None
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
            if isinstance(step, Resizing) and len(set(sizes)) == 1
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
    if (first.interpolation, second.interpolation) != ("auto", "auto"):
        return False
    shrinks = second.scaled.width <= between.width and second.scaled.height <= between.height
    return shrinks and first.size == first.scaled


def decode_reduced(draft: Draft) -> Draft:
    """A JPEG that is shrunk to a half or less is decoded at 1/2, 1/4 or 1/8."""
    resize = next((step for _, step in draft.steps if not isinstance(step, Orient)), None)
    decodes_reduced = draft.header.format == "jpeg" and draft.decode.channels != "bgr"
    if not isinstance(resize, Resample) or not decodes_reduced:
        return draft
    if resize.interpolation != "auto":
        return draft
    for reduction in _REDUCTIONS:
        if reduction > draft.least.reduction:
            continue
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
            if isinstance(step, Resample)
            and step.interpolation == "auto"
            and step.shrinks_unevenly(sizes[0])
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
