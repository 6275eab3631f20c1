"""Contestants against one another, in turns, so that a machine's moods meet all of them alike."""

import contextlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.contestants.base import Contestant, Running, Unavailable
from benchmarks.memory import PeakMemory, processor_seconds
from benchmarks.quality import Quality, judge
from benchmarks.workloads import Inputs, Picture, Work, Workload

_MAX_IMAGES = 10_000
"""The most that one request may have."""


@dataclass(frozen=True)
class Effort:
    """How long a measurement takes, and how many of each there are."""

    seconds: float = 4.0
    rounds: int = 5
    tuning_rounds: int = 2


@dataclass
class Figure:
    """What was measured of one contestant in one workload.

    `rates` are images a second, one a round. `processor` is the least seconds of processor time
    an image; runs that include the start have none, but `start`, the seconds of a run over one
    image. `peak` is in bytes.
    """

    contestant: Contestant
    variant: str
    count: int
    quality: Quality
    start: float | None = None
    rates: list[float] = field(default_factory=list)
    processor: float | None = None
    peak: int = 0

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        return min(self.rates), max(self.rates)


@dataclass
class Entry:
    """A started contestant and its figure."""

    running: Running
    work: Work
    figure: Figure


def available(contestants: Iterable[Contestant]) -> tuple[list[Contestant], dict[str, str]]:
    """Those that can run here, and why the others cannot."""
    able, missing = [], {}
    for contestant in contestants:
        try:
            contestant.check()
            able.append(contestant)
        except Unavailable as reason:
            missing[contestant.title] = str(reason)
    return able, missing


def compare(
    contestants: Iterable[Contestant],
    workload: Workload,
    inputs: Inputs,
    folder: Path,
    effort: Effort,
    say: Callable[[str], None],
) -> list[Figure]:
    """One figure for each contestant, in their order."""
    pictures: list[Picture] = getattr(inputs, workload.inputs)
    with contextlib.ExitStack() as stack:
        entries = [
            _enter(stack, contestant, Work(workload, pictures, len(pictures), folder), effort, say)
            for contestant in contestants
        ]
        for number in range(effort.rounds):
            say(f"{workload.name}: round {number + 1} of {effort.rounds}")
            for entry in entries:
                _round(entry)
    return [entry.figure for entry in entries]


def _enter(
    stack: contextlib.ExitStack,
    contestant: Contestant,
    work: Work,
    effort: Effort,
    say: Callable[[str], None],
) -> Entry:
    """Start a contestant, in its fastest variant, warm it, and find how many images it needs."""
    work = Work(work.workload, work.pictures, work.count, work.folder / contestant.name)
    variant = _fastest(contestant, work, effort)
    say(f"{work.workload.name}: {contestant.title} {variant}".rstrip())
    running = stack.enter_context(contestant.start(work.workload, variant))
    _timed(running, work)
    quality = judge(work)
    seconds = _timed(running, work)
    start = None
    if contestant.starts_each_run:
        start = _timed(running, Work(work.workload, work.pictures, 1, work.folder))
        seconds = max(seconds - start, seconds / 10)
    count = _count(work, seconds, effort.seconds * contestant.longer)
    work = Work(work.workload, work.pictures, count, work.folder)
    return Entry(running, work, Figure(contestant, variant, count, quality, start))


def _count(work: Work, seconds: float, wanted: float) -> int:
    """Images that take `wanted` seconds, if `work` takes `seconds`; each input equally often."""
    repeats = max(1, round(wanted / seconds))
    return min(repeats, _MAX_IMAGES // work.count) * work.count


def _fastest(contestant: Contestant, work: Work, effort: Effort) -> str:
    if len(contestant.variants) == 1:
        return contestant.variants[0]
    taken = {
        variant: _best_time(contestant, variant, work, effort) for variant in contestant.variants
    }
    return min(taken, key=lambda variant: taken[variant])


def _best_time(contestant: Contestant, variant: str, work: Work, effort: Effort) -> float:
    """Seconds an image; the first run warms up and says how many images to take."""
    with contestant.start(work.workload, variant) as running:
        _timed(running, work)
        seconds = _timed(running, work)
        count = _count(work, seconds, effort.seconds / 4)
        longer = Work(work.workload, work.pictures, count, work.folder)
        return min(_timed(running, longer) for _ in range(effort.tuning_rounds)) / count


def _round(entry: Entry) -> None:
    figure, running, count = entry.figure, entry.running, entry.work.count
    before = processor_seconds(running.processes)
    with PeakMemory(lambda: running.processes) as memory:
        seconds = _timed(running, entry.work)
    if figure.start is None:
        taken = (processor_seconds(running.processes) - before) / count
        figure.processor = min(taken, figure.processor or taken)
    figure.rates.append(count / seconds)
    figure.peak = max(figure.peak, memory.peak)


def _timed(running: Running, work: Work) -> float:
    """Seconds from the word go to the last result. Each run writes into an empty folder."""
    shutil.rmtree(work.folder, ignore_errors=True)
    work.folder.mkdir(parents=True)
    running.prepare(work)
    started = perf_counter()
    running.run()
    seconds = perf_counter() - started
    written = sum(1 for _ in work.folder.iterdir())
    if written != work.count:
        raise RuntimeError(f"{work.folder.name}: {written} results of {work.count} images")
    return seconds
