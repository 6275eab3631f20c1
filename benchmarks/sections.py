"""The sections of the page that a run of their own can write."""

from collections.abc import Iterable, Iterator

from benchmarks.ingest import IngestFigures, Rate
from benchmarks.operations import Cost
from benchmarks.preview import SIDE, Preview, PreviewFigures
from benchmarks.stores import StoreFigures
from benchmarks.stream import BARE, PROCESS, UNDER_WAY, StreamFigures, StreamRate

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


def costs_section(costs: list[Cost]) -> Iterator[str]:
    """The table of operations. Where pyvips took no part its columns are left out."""
    vips = any(cost.vips is not None for cost in costs)
    yield f"{_COSTS}\n"
    yield _COSTS_INTRODUCTION.format(others="Pillow and pyvips" if vips else "Pillow")
    if not vips:
        yield "pyvips is not measured: it cannot be loaded on this machine.\n"
    head = ("Operation", "Darkroom", "Pillow", "Times as long")
    vips_head = ("pyvips", "Times as long") if vips else ()
    yield from table((*head, *vips_head), (_cost_row(cost, vips) for cost in costs))


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
    yield from table(head, ((*one[:2], f"{one.median:.1f}", f"{one.p95:.1f}") for one in pages))
    yield _INSERTS_INTRODUCTION.format(images=figures.images)
    yield from table(("", "Images/s"), ((one.title, f"{one.rate:,.0f}") for one in figures.inserts))
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
    yield from table(head, (_ingest_row(figures, rate) for rate in figures.rates))


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
    yield from table(head, (_stream_row(figures, rate) for rate in figures.rates))


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
    yield from table(head, (_preview_row(one) for one in figures.previews))


def _preview_row(one: Preview) -> tuple[str, ...]:
    times = (f"{milliseconds:.1f}" for milliseconds in (one.median, one.p95, one.bare))
    return (one.title, *times, f"{one.added:.0%}")


def with_preview(page: str, figures: PreviewFigures) -> str:
    """`page` with its section of the preview written anew, or set before that of operations."""
    return with_section(page, _PREVIEW, preview_section(figures), _COSTS)


def with_costs(page: str, costs: list[Cost]) -> str:
    """`page` with its section of operations written anew, or set before how it is measured."""
    return with_section(page, _COSTS, costs_section(costs), "## How it is measured")


def with_stores(page: str, figures: StoreFigures) -> str:
    """`page` with its section of the store written anew, or set before that of operations."""
    return with_section(page, _STORES, stores_section(figures), _COSTS)


def with_ingest(page: str, figures: IngestFigures) -> str:
    """`page` with its section of folders written anew, or set before that of operations."""
    return with_section(page, _INGEST, ingest_section(figures), _COSTS)


def with_stream(page: str, figures: StreamFigures) -> str:
    """`page` with its section of the stream written anew, or set before that of operations."""
    return with_section(page, _STREAM, stream_section(figures), _COSTS)


def with_section(page: str, title: str, lines: Iterable[str], follower: str) -> str:
    """`page` with the section of that title in place of what it has of it, or before `follower`."""
    section = "\n".join(lines).rstrip() + "\n\n"
    before, found, after = page.partition(f"{title}\n")
    if not found:
        before, found, after = page.partition(f"{follower}\n")
        return before + section + found + after
    _, following, rest = after.partition("\n## ")
    return before + section + following.lstrip("\n") + rest


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of Markdown, line by line, with an empty line after it."""
    head = tuple(head)
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
