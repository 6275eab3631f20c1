"""Several results of one image, decoded once: what the variants have in common is done once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from time import perf_counter

from processors.animation import Timeline
from processors.decoding import DecodeMode
from processors.encoding import EncodeOptions
from processors.errors import Position, StepFailed
from processors.limits import Limits
from processors.operation import Image, Operation
from processors.pipeline import (
    Encoded,
    Processed,
    Runner,
    decode_as,
    encode_as,
    milliseconds,
    timings_of,
)
from processors.plan import Pipeline, Plan
from processors.planner import plan
from processors.probing import Header, ImageFormat, probe

_CACHED = 64

Steps = tuple[tuple[Position, Operation], ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the results: the steps behind the common ones, and how it is encoded."""

    steps: Steps
    encode: EncodeOptions


@dataclass(frozen=True, slots=True)
class Variants:
    """What a request asks for: the `common` pipeline's steps, and behind them each variant's."""

    common: Pipeline
    variants: tuple[Variant, ...]

    def steps(self) -> Steps:
        """The common ones, and those of each variant."""
        return self.common.steps + tuple(chain.from_iterable(one.steps for one in self.variants))

    def pipelines(self) -> list[Pipeline]:
        """Each variant's, whole."""
        return [
            replace(self.common, steps=self.common.steps + one.steps, encode=one.encode)
            for one in self.variants
        ]


@dataclass(slots=True)
class _Branch:
    """A variant that is under way: what is planned for it, and how many steps are done."""

    number: int
    plan: Plan
    done: int = 0


class VariantsRunner:
    """Runs the variants of one request over many images."""

    def __init__(self, job: Variants, limits: Limits) -> None:
        self._limits = limits
        self._runners = [Runner(pipeline, limits) for pipeline in job.pipelines()]
        self._plans: dict[tuple[Header, tuple[ImageFormat, ...]], list[Plan]] = {}

    def run(self, data: bytes, names: Sequence[str | None]) -> Processed:
        """Process the image `data`; the extension of a variant's name decides its format.

        The results are in the order of the variants. Raises as Runner.run; then there are none.
        """
        started = perf_counter()
        self._limits.check_bytes(len(data))
        plans = self.plans(probe(data), names)
        walk = _Walk(self._runners, data)
        for branches in _alike(plans):
            walk.go(branches)
        results = sorted(walk.results, key=lambda result: result.variant)
        decoded = started + walk.decoding
        applied = perf_counter() - walk.encoding
        timings = timings_of(started, decoded, applied, perf_counter(), walk.steps)
        return Processed(results, timings, tuple(walk.skipped))

    def peak_bytes(self, header: Header, names: Sequence[str | None]) -> int:
        """Estimate the bytes of pixels that are held at once: also where the ways part."""
        plans = self.plans(header, names)
        held = max(one.decode.size(header).pixels for one in plans) * header.channels
        return max(one.peak_bytes for one in plans) + held

    def plans(self, header: Header, names: Sequence[str | None]) -> list[Plan]:
        """The plan of each variant. Those that can be made from one decoding agree on it."""
        formats = tuple(
            runner.pipeline.encode.format_for(name, otherwise=header.format)
            for runner, name in zip(self._runners, names, strict=True)
        )
        key = (header, formats)
        if key not in self._plans:
            if len(self._plans) >= _CACHED:
                self._plans.clear()
            self._plans[key] = self._agreed(header, formats)
        return self._plans[key]

    def _agreed(self, header: Header, formats: Sequence[ImageFormat]) -> list[Plan]:
        pairs = list(zip(self._runners, formats, strict=True))
        free = [plan(one.pipeline, header, format, self._limits) for one, format in pairs]
        least = _finest(one.decode for one in free)
        return [
            found
            if (found.decode.reduction, found.decode.channels) == (least.reduction, least.channels)
            else plan(one.pipeline, header, format, self._limits, least)
            for found, (one, format) in zip(free, pairs, strict=True)
        ]


class _Walk:
    """Goes down the tree whose branches are the variants, and does each step once."""

    def __init__(self, runners: Sequence[Runner], data: bytes) -> None:
        self._runners = runners
        self._data = data
        self.results: list[Encoded] = []
        self.skipped: list[StepFailed] = []
        self.steps: list[tuple[str, float]] = []
        self.decoding = self.encoding = 0.0

    def go(self, branches: list[_Branch]) -> None:
        """Do variants that begin with one decoding."""
        for branch in branches:
            self.skipped += branch.plan.skipped
        started = perf_counter()
        images, timeline = decode_as(branches[0].plan, self._data)
        self.decoding += perf_counter() - started
        self._follow(branches, images, timeline)

    def _follow(
        self, branches: list[_Branch], images: list[Image], timeline: Timeline | None
    ) -> None:
        for group in _by_next_step(branches):
            first = group[0]
            if first.done == len(first.plan.steps):
                self._encode(group, images, timeline)
                continue
            step = first.plan.steps[first.done]
            runner = self._runners[first.number]
            started = perf_counter()
            after = runner.apply(step, images, first.plan.frames, self.skipped)
            self.steps.append((step.step.op, milliseconds(perf_counter() - started)))
            for branch in group:
                branch.done += 1
            self._follow(group, after, timeline)

    def _encode(
        self, branches: Iterable[_Branch], images: list[Image], timeline: Timeline | None
    ) -> None:
        started = perf_counter()
        for branch in branches:
            encoded = encode_as(branch.plan, images, timeline, self._data)
            self.results += [result._replace(variant=branch.number) for result in encoded]
        self.encoding += perf_counter() - started


def _by_next_step(branches: Iterable[_Branch]) -> list[list[_Branch]]:
    """The branches in groups that go the same way; those at their end are one."""
    groups: list[list[_Branch]] = []
    for branch in branches:
        for group in groups:
            if _next_step(group[0]) == _next_step(branch):
                group.append(branch)
                break
        else:
            groups.append([branch])
    return groups


def _next_step(branch: _Branch) -> object:
    steps = branch.plan.steps
    return steps[branch.done].step if branch.done < len(steps) else None


def _alike(plans: Sequence[Plan]) -> list[list[_Branch]]:
    """The variants in groups that one decoding serves: stills, animations, colours kept or not."""
    groups: defaultdict[object, list[_Branch]] = defaultdict(list)
    for number, one in enumerate(plans):
        groups[one.frames, one.decode].append(_Branch(number, one))
    return list(groups.values())


def _finest(modes: Iterable[DecodeMode]) -> DecodeMode:
    """What all of `modes` can be made from."""
    found = list(modes)
    gray = all(mode.channels == "gray" for mode in found)
    reduction = min(mode.reduction for mode in found)
    return DecodeMode("gray" if gray else "keep", reduction)
