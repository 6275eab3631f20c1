"""The results as Markdown, which is also what the terminal shows."""

from collections.abc import Iterable, Iterator

from benchmarks.growth import Growth
from benchmarks.ingest import IngestFigures, Rate
from benchmarks.latency import Latency
from benchmarks.measure import Figure
from benchmarks.operations import Cost
from benchmarks.preview import SIDE, Preview, PreviewFigures
from benchmarks.results import Results, ratio_to
from benchmarks.rules import Rule
from benchmarks.stores import StoreFigures
from benchmarks.stream import BARE, PROCESS, UNDER_WAY, StreamFigures, StreamRate
from benchmarks.workloads import Workload

_METHOD = """\
## How it is measured

- Every contestant is a process of its own. It reads files and writes files: file to file, with the
  inputs in the page cache and each result a new file. Each is warm before it is measured.
- The contestants take turns: one round measures each of them once, and then comes the next round.
  The figure is the median of {rounds} rounds of about {seconds:g} seconds each; beside it stand the
  slowest and the fastest round. Compare the ratios: the figures themselves are the machine's.
- *To the bare loop* is the ratio to two processes that make the OpenCV calls that Darkroom's plan
  comes to, and nothing else: they are told the size of each result and at which size to decode,
  and share one counter. Their results equal Darkroom's byte for byte. *To the tuned loop*: the
  same loop, and glibc is told to keep freed memory instead of giving it back to the kernel after
  each image. Pillow, pyvips and sharp are told so too. *To sharp, pyvips* is the ratio to the
  faster of the two.
- Darkroom is measured over HTTP with one request for all images, from the first byte sent to the
  last byte of the answer. `main.py batch` is measured with its start, which takes {start}: over a
  few thousand images it matters little.
- pyvips and sharp are tried in several ways (threads or processes, kernels, decoding at reduced
  size); the fastest of them is measured and named. Their caches are off, as the same inputs come
  again and again. All write baseline JPEG with 4:2:0 chroma and standard Huffman tables. The blur
  is the same 5x5 kernel everywhere.
- *Processor* is the processor time an image, of all processes of the contestant.
- *Memory* is the peak of the resident sets of all processes of a contestant, added up and sampled
  every 50 ms. Pages that processes share count in each of them.
- *SSIM* is the similarity to a reference that is decoded in full, reduced in floating point and
  never encoded; once reduced by area, once by Lanczos, and blurred where the workload blurs.
  *Size* is the mean of the results' sizes. Both are of the inputs that were judged, the same for
  all.
- The inputs are street scenes rendered by the project, with texture, fine edges and sensor noise:
  64 crops of 768x512 at quality 85, and 12 pictures of 8 to 15 megapixels at quality 88 to 90.
"""

_REPEAT = """\
## How to repeat it

`make bench` measures all of this again and writes this page; it takes about a quarter of an hour
on an idle machine. `python -m benchmarks --help` lists the options: `--quick` is a try of seconds,
`--only NAME` takes one contestant (again for more), and neither writes this page.
`--only-operations` measures the cost of each operation, in about half a minute, and writes that
section of the page alone; `--only-stores` does so for the store, in about a minute, and
`--only-ingest` for folders over TCP, `--only-stream` for images over WebSocket, `--only-preview`
for the lab.
"""

_STORES = "## The store"

_STORES_INTRODUCTION = """\
A page of `GET /v1/images` with least and most of both sides, other bounds each time, 50 images and
the total, among {entries:,} entries of random sizes: milliseconds over {queries} queries, asked of
the store itself and over HTTP.
"""

_INSERTS_INTRODUCTION = """\
{images:,} JPEG files of 768x512 into a collection over HTTP, a hundred a request, one request
after the other; beside it one process that opens each with Pillow, resizes it to 80x90, makes it
gray and a JPEG again, and hands it to `insert_one` in base64. What is counted is acknowledged by
the journal of the database in each.
"""

_INGEST = "## Folders over TCP"

_INGEST_INTRODUCTION = """\
{images:,} JPEG files of 384x256, {kilobytes:.0f} kB on average, into collections: in [both
protocols](ingest.md) of the listener, and over HTTP, a hundred a request, one request after the
other. Several clients share the images, each with a collection of its own. What they send is made
before; a pickle holds the pixels, as Pillow has them. The ways take turns; the rate is the median
of {repeats}, until the last image is stored. *To HTTP* is the ratio to HTTP with as many clients.
"""

_PREVIEW = "## The lab's preview"

_PREVIEW_INTRODUCTION = """\
What [the lab](pages.md#the-lab) asks for while a slider moves, of an image of {megapixels:.0f}
megapixels: at first a copy of {side} pixels a side, {first:.0f} ms at the median; then each result
on that copy, from the request to the last byte, in milliseconds. {requests} requests each, one
after the other; the work alone is the same pipeline over the same bytes in one process, in turns
with them.
"""

_STREAM = "## Images over WebSocket"

_STREAM_INTRODUCTION = """\
{images:,} JPEG files of 768x512 halved and encoded at quality 90, bytes in and bytes out, with
{under_way} sent ahead over all connections: over [WebSockets](stream.md), and over HTTP with as
many connections. Beside them the bare loop, file to file. The ways take turns; the rate is the
median of {repeats} rounds, and a ratio is the median of those of each round. The client of the
service's ways shares the machine's processors with it.
"""

_COSTS = "## Cost of each operation"

_COSTS_INTRODUCTION = """\
Milliseconds a megapixel, in memory, on one thread: each operation as in its example on a street
scene of 1024x1024 pixels in 8-bit colour (`flatten` with alpha), the median of the runs in a
fraction of a second after one to warm up. Beside it the time of {others},
where there is the same, and how many times as long that is. glibc keeps freed memory, as in the
service's workers. Crops and splits copy no pixel. This section is of a run of its own.
"""


def markdown(results: Results) -> str:
    """The whole page."""
    return "\n".join(_page(results)).rstrip() + "\n"


def _page(results: Results) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield "This page is written by `make bench`; the figures of a section are of one run.\n"
    yield "![Images per second by workload](benchmarks.svg)\n"
    yield from _table(("", ""), results.machine.items())
    yield from summary(results)
    effort = results.effort
    yield _METHOD.format(rounds=effort.rounds, seconds=effort.seconds, start=_start(results))
    yield _REPEAT


def summary(results: Results) -> Iterator[str]:
    """The tables."""
    for workload, figures in results.figures:
        yield from _workload(workload, figures)
    for title, reason in results.missing.items():
        yield f"{title} is not measured: {reason}.\n"
    if results.latency is not None:
        yield from _latency(results.latency)
    if results.growth:
        yield from _growth(results.growth)
    if results.rules:
        yield from _rules(results.rules)
    if results.stores is not None:
        yield from stores_section(results.stores)
    if results.ingest is not None:
        yield from ingest_section(results.ingest)
    if results.stream is not None:
        yield from stream_section(results.stream)
    if results.preview is not None:
        yield from preview_section(results.preview)
    if results.costs:
        yield from costs_section(results.costs)


def _workload(workload: Workload, figures: list[Figure]) -> Iterator[str]:
    yield f"## {workload.title}\n"
    head = (
        "", "Images/s", "Slowest to fastest", "To the bare loop", "To the tuned loop",
        "To sharp, pyvips", "Processor",
        "Memory", "SSIM, area", "SSIM, Lanczos", "Size",
    )  # fmt: skip
    yield from _table(head, (_row(figure, figures) for figure in figures))
    for figure in figures:
        if figure.variant:
            yield f"{figure.contestant.title} was fastest as `{figure.variant}`.\n"
        if figure.start is not None:
            title, took = figure.contestant.title, figure.count / figure.rate
            yield f"{title} took {took:.1f} s for {figure.count:,} images; {figure.start:.1f} s of "
            yield "these are its start.\n"


def _row(figure: Figure, figures: list[Figure]) -> tuple[str, ...]:
    slowest, fastest = figure.spread
    return (
        figure.contestant.title,
        f"{figure.rate:,.1f}",
        f"{slowest:,.1f} to {fastest:,.1f}",
        _ratio(figure, figures, "opencv"),
        _ratio(figure, figures, "opencv-tuned"),
        _ratio(figure, figures, "sharp", "pyvips"),
        "-" if figure.processor is None else f"{figure.processor * 1000:.2f} ms",
        f"{figure.peak / 1e6:.0f} MB",
        f"{figure.quality.by_area:.4f}",
        f"{figure.quality.by_lanczos:.4f}",
        f"{figure.quality.bytes / 1000:.1f} kB",
    )


def _ratio(figure: Figure, figures: list[Figure], *names: str) -> str:
    ratio = ratio_to(figure, figures, *names)
    return "-" if ratio is None else f"{ratio:.2f}"


def _latency(latency: Latency) -> Iterator[str]:
    yield "## `POST /v1/process`\n"
    yield (
        "One 768x512 JPEG halved, bytes to bytes, one request after the other on one connection, "
        "each beside the same work done by OpenCV alone in the client's process. What is added "
        f"holds the client's own work too. Over {latency.requests} requests, in milliseconds:\n"
    )
    head = ("Bare work, median", "Request, median", "Added, median", "Added, 95th percentile")
    yield from _table(head, [tuple(f"{value:.2f}" for value in latency[1:])])


def _growth(growth: list[Growth]) -> Iterator[str]:
    yield "## Memory of the server over one large batch\n"
    yield (
        "Resident memory of the server process alone, on a fresh server after a batch of 100 "
        "images: before the request, at its peak, and after it.\n"
    )
    head = ("Images", "Size", "Before", "Peak", "After", "Growth", "Images/s")
    yield from _table(head, (_growth_row(item) for item in growth))


def _growth_row(item: Growth) -> tuple[str, ...]:
    sizes = (item.before, item.peak, item.after, item.peak - item.before)
    megabytes = [f"{size / 1e6:.1f} MB" for size in sizes]
    return (f"{item.images:,}", item.size, *megabytes, f"{item.images / item.seconds:,.0f}")


def _rules(rules: list[Rule]) -> Iterator[str]:
    yield '## Fast rules against `fidelity: "exact"`\n'
    yield (
        "Each rule of the planner alone, on one thread and 768x512 photographs: milliseconds an "
        "image, and the SSIM between the two results.\n"
    )
    head = ("Rule", "Case", "Exact", "Fast", "Times faster", "SSIM")
    yield from _table(head, (_rule_row(rule) for rule in rules))


def _rule_row(rule: Rule) -> tuple[str, ...]:
    times = f"{rule.exact / rule.fast:.1f}"
    milliseconds = (f"{rule.exact:.3f} ms", f"{rule.fast:.3f} ms")
    return (f"`{rule.rule}`", rule.case, *milliseconds, times, f"{rule.similarity:.4f}")


def costs_section(costs: list[Cost]) -> Iterator[str]:
    """The table of operations. Where pyvips took no part its columns are left out."""
    vips = any(cost.vips is not None for cost in costs)
    yield f"{_COSTS}\n"
    yield _COSTS_INTRODUCTION.format(others="Pillow and pyvips" if vips else "Pillow")
    if not vips:
        yield "pyvips is not measured: it cannot be loaded on this machine.\n"
    head = ("Operation", "Darkroom", "Pillow", "Times as long")
    vips_head = ("pyvips", "Times as long") if vips else ()
    yield from _table((*head, *vips_head), (_cost_row(cost, vips) for cost in costs))


def _cost_row(cost: Cost, vips: bool) -> tuple[str, ...]:
    others = (cost.pillow, cost.vips) if vips else (cost.pillow,)
    beside = [text for other in others for text in _beside(cost.darkroom, other)]
    return (f"`{cost.use}`", _three_digits(cost.darkroom), *beside)


def _beside(ours: float, other: float | None) -> tuple[str, str]:
    return ("-", "-") if other is None else (_three_digits(other), _three_digits(other / ours))


def _three_digits(value: float) -> str:
    """At least two places for what is small: 0.06, 1.49, 19.5, 610."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def stores_section(figures: StoreFigures) -> Iterator[str]:
    """Two tables. Of MongoDB only where there is one."""
    yield f"{_STORES}\n"
    yield _STORES_INTRODUCTION.format(entries=figures.entries, queries=figures.queries)
    head = ("", "Asked", "Median", "95th percentile")
    pages = figures.pages
    yield from _table(head, ((*one[:2], f"{one.median:.1f}", f"{one.p95:.1f}") for one in pages))
    yield _INSERTS_INTRODUCTION.format(images=figures.images)
    yield from _table(
        ("", "Images/s"), ((one.title, f"{one.rate:,.0f}") for one in figures.inserts)
    )
    if figures.missing is not None:
        yield f"MongoDB is not measured: {figures.missing}.\n"


def ingest_section(figures: IngestFigures) -> Iterator[str]:
    """A row for each way and number of clients."""
    yield f"{_INGEST}\n"
    yield _INGEST_INTRODUCTION.format(
        images=figures.images,
        kilobytes=figures.bytes / 1000,
        repeats=len(figures.rates[0].rates),
    )
    head = ("", "Clients", "Images/s", "Slowest to fastest", "To HTTP")
    yield from _table(head, (_ingest_row(figures, rate) for rate in figures.rates))


def _ingest_row(figures: IngestFigures, rate: Rate) -> tuple[str, ...]:
    spread = f"{min(rate.rates):,.0f} to {max(rate.rates):,.0f}"
    ratio = f"{figures.to_http(rate):.2f}"
    return (rate.way, f"{rate.clients}", f"{rate.median:,.0f}", spread, ratio)


def stream_section(figures: StreamFigures) -> Iterator[str]:
    """A row for each way."""
    yield f"{_STREAM}\n"
    yield _STREAM_INTRODUCTION.format(
        images=figures.images, under_way=UNDER_WAY, repeats=len(figures.rates[0].rates)
    )
    head = (
        "", "Connections", "Images/s", "Slowest to fastest", "To the bare loop",
        "To /v1/process",
    )  # fmt: skip
    yield from _table(head, (_stream_row(figures, rate) for rate in figures.rates))


def _stream_row(figures: StreamFigures, rate: StreamRate) -> tuple[str, ...]:
    return (
        rate.way,
        "-" if rate.connections is None else f"{rate.connections}",
        f"{rate.median:,.0f}",
        f"{min(rate.rates):,.0f} to {max(rate.rates):,.0f}",
        *(f"{figures.ratio(rate, way):.2f}" for way in (BARE, PROCESS)),
    )


def preview_section(figures: PreviewFigures) -> Iterator[str]:
    """A row for each pipeline."""
    yield f"{_PREVIEW}\n"
    yield _PREVIEW_INTRODUCTION.format(
        megapixels=figures.megapixels, first=figures.first, side=SIDE, requests=figures.requests
    )
    head = ("Pipeline", "Median", "95th percentile", "Work alone", "Added by the service")
    yield from _table(head, (_preview_row(one) for one in figures.previews))


def _preview_row(one: Preview) -> tuple[str, ...]:
    times = (f"{milliseconds:.1f}" for milliseconds in (one.median, one.p95, one.bare))
    return (one.title, *times, f"{one.added:.0%}")


def with_preview(page: str, figures: PreviewFigures) -> str:
    """`page` with its section of the preview written anew, or set before that of operations."""
    return _with_section(page, _PREVIEW, preview_section(figures), _COSTS)


def with_costs(page: str, costs: list[Cost]) -> str:
    """`page` with its section of operations written anew, or set before how it is measured."""
    return _with_section(page, _COSTS, costs_section(costs), "## How it is measured")


def with_stores(page: str, figures: StoreFigures) -> str:
    """`page` with its section of the store written anew, or set before that of operations."""
    return _with_section(page, _STORES, stores_section(figures), _COSTS)


def with_ingest(page: str, figures: IngestFigures) -> str:
    """`page` with its section of folders written anew, or set before that of operations."""
    return _with_section(page, _INGEST, ingest_section(figures), _COSTS)


def with_stream(page: str, figures: StreamFigures) -> str:
    """`page` with its section of the stream written anew, or set before that of operations."""
    return _with_section(page, _STREAM, stream_section(figures), _COSTS)


def _with_section(page: str, title: str, lines: Iterable[str], follower: str) -> str:
    section = "\n".join(lines).rstrip() + "\n\n"
    before, found, after = page.partition(f"{title}\n")
    if not found:
        before, found, after = page.partition(f"{follower}\n")
        return before + section + found + after
    _, following, rest = after.partition("\n## ")
    return before + section + following.lstrip("\n") + rest


def _start(results: Results) -> str:
    starts = [figure.start for _, figures in results.figures for figure in figures if figure.start]
    return f"{min(starts):.1f} s" if starts else "a second or so"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = tuple(head)
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
