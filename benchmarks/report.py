"""The results as Markdown, which is also what the terminal shows."""

from collections.abc import Iterator

from benchmarks.cluster_section import cluster_section
from benchmarks.growth import Growth
from benchmarks.latency import Latency
from benchmarks.measure import Figure
from benchmarks.results import Results, ratio_to
from benchmarks.rules import Rule
from benchmarks.sections import (
    costs_section,
    ingest_section,
    preview_section,
    stores_section,
    stream_section,
    table,
)
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
for the lab, `--only-cluster` for a Dask cluster.
"""


def markdown(results: Results) -> str:
    """The whole page."""
    return "\n".join(_page(results)).rstrip() + "\n"


def _page(results: Results) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield "This page is written by `make bench`; the figures of a section are of one run.\n"
    yield "![Images per second by workload](benchmarks.svg)\n"
    yield from table(("", ""), results.machine.items())
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
    if results.cluster is not None:
        yield from cluster_section(results.cluster)
    if results.costs:
        yield from costs_section(results.costs)


def _workload(workload: Workload, figures: list[Figure]) -> Iterator[str]:
    yield f"## {workload.title}\n"
    head = (
        "", "Images/s", "Slowest to fastest", "To the bare loop", "To the tuned loop",
        "To sharp, pyvips", "Processor",
        "Memory", "SSIM, area", "SSIM, Lanczos", "Size",
    )  # fmt: skip
    yield from table(head, (_row(figure, figures) for figure in figures))
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
    yield from table(head, [tuple(f"{value:.2f}" for value in latency[1:])])


def _growth(growth: list[Growth]) -> Iterator[str]:
    yield "## Memory of the server over one large batch\n"
    yield (
        "Resident memory of the server process alone, on a fresh server after a batch of 100 "
        "images: before the request, at its peak, and after it.\n"
    )
    head = ("Images", "Size", "Before", "Peak", "After", "Growth", "Images/s")
    yield from table(head, (_growth_row(item) for item in growth))


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
    yield from table(head, (_rule_row(rule) for rule in rules))


def _rule_row(rule: Rule) -> tuple[str, ...]:
    times = f"{rule.exact / rule.fast:.1f}"
    milliseconds = (f"{rule.exact:.3f} ms", f"{rule.fast:.3f} ms")
    return (f"`{rule.rule}`", rule.case, *milliseconds, times, f"{rule.similarity:.4f}")


def _start(results: Results) -> str:
    starts = [figure.start for _, figures in results.figures for figure in figures if figure.start]
    return f"{min(starts):.1f} s" if starts else "a second or so"
