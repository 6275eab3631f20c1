"""`python -m benchmarks`: measure, print the tables, and write docs/benchmarks.md."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import (
    chart,
    cluster,
    cluster_section,
    growth,
    ingest,
    inputs,
    latency,
    machine,
    operations,
    preview,
    report,
    rules,
    sections,
    stores,
    stream,
)
from benchmarks.contestants import CONTESTANTS
from benchmarks.measure import Effort, available, compare
from benchmarks.results import Results
from benchmarks.workloads import WORKLOADS, Inputs, Picture

_DOCS = Path(__file__).resolve().parents[1] / "docs"
_PAGE = "benchmarks.md"
_QUICK = Effort(seconds=0.3, rounds=1, tuning_rounds=1)


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    if options.only_operations:
        _only_operations(options)
        return
    if options.only_stores:
        _only_stores(options)
        return
    if options.only_ingest:
        _only_ingest(options)
        return
    if options.only_stream:
        _only_stream(options)
        return
    if options.only_preview:
        _only_preview(options)
        return
    if options.only_cluster:
        _only_cluster(options)
        return
    effort = _QUICK if options.quick else Effort(options.seconds, options.rounds)
    results = measure(inputs.load(options.quick), effort, options)
    print("\n".join(report.summary(results)))
    if options.output or not (options.quick or options.only or options.workload):
        write(results, options.output or _DOCS)


def measure(pictures: Inputs, effort: Effort, options: argparse.Namespace) -> Results:
    """All that the options ask for."""
    chosen = [item for item in CONTESTANTS if not options.only or item.name in options.only]
    able, missing = available(chosen)
    results = Results(effort, machine.facts(), missing)
    folder = inputs.cache_folder() / "results"
    try:
        for workload in WORKLOADS:
            if not options.workload or workload.name in options.workload:
                figures = compare(able, workload, pictures, folder, effort, _say)
                results.figures.append((workload, figures))
        if not options.only and not options.workload:
            _measure_service(results, pictures, folder, quick=options.quick)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return results


def _only_operations(options: argparse.Namespace) -> None:
    """The cost of each operation, printed and written into the page, the rest of which stays."""
    costs = _costs(options.quick)
    _rewrite(options, sections.costs_section(costs), lambda page: sections.with_costs(page, costs))


def _only_stores(options: argparse.Namespace) -> None:
    """What the store takes, printed and written into the page, the rest of which stays."""
    found = _stores(inputs.load(options.quick).small, options.quick)
    _rewrite(
        options, sections.stores_section(found), lambda page: sections.with_stores(page, found)
    )


def _only_ingest(options: argparse.Namespace) -> None:
    """Folders over TCP, printed and written into the page, the rest of which stays."""
    found = _ingest(inputs.load(options.quick).small, options.quick)
    _rewrite(
        options, sections.ingest_section(found), lambda page: sections.with_ingest(page, found)
    )


def _only_stream(options: argparse.Namespace) -> None:
    """Images over WebSocket, printed and written into the page, the rest of which stays."""
    found = _stream(inputs.load(options.quick).small, options.quick)
    _rewrite(
        options, sections.stream_section(found), lambda page: sections.with_stream(page, found)
    )


def _only_preview(options: argparse.Namespace) -> None:
    """The lab's preview, printed and written into the page, the rest of which stays."""
    found = _preview(inputs.load(options.quick).large, options.quick)
    _rewrite(
        options, sections.preview_section(found), lambda page: sections.with_preview(page, found)
    )


def _only_cluster(options: argparse.Namespace) -> None:
    """A Dask cluster, printed and written into the page, the rest of which stays."""
    found = _cluster(inputs.load(options.quick), options.quick)
    section = cluster_section.cluster_section(found)
    _rewrite(options, section, lambda page: cluster_section.with_cluster(page, found))
    if options.output or not options.quick:
        cluster_section.draw(found, (options.output or _DOCS) / cluster_section.CHART)


def _rewrite(
    options: argparse.Namespace, lines: Iterable[str], change: Callable[[str], str]
) -> None:
    print("\n".join(lines))
    if options.output or not options.quick:
        page = (options.output or _DOCS) / _PAGE
        old = page.read_text(encoding="utf-8") if page.exists() else ""
        page.write_text(change(old), encoding="utf-8")


def _stores(pictures: Sequence[Picture], quick: bool) -> stores.StoreFigures:
    _say("the store")
    if quick:
        return stores.measure(pictures, entries=2000, queries=50, images=100)
    return stores.measure(pictures, entries=100_000, queries=300, images=1000)


def _ingest(pictures: Sequence[Picture], quick: bool) -> ingest.IngestFigures:
    _say("folders over TCP")
    if quick:
        return ingest.measure(pictures, images=100, repeats=1)
    return ingest.measure(pictures, images=1000, repeats=5)


def _stream(pictures: Sequence[Picture], quick: bool) -> stream.StreamFigures:
    _say("images over WebSocket")
    if quick:
        return stream.measure(pictures, images=100, repeats=1)
    return stream.measure(pictures, images=2000, repeats=7)


def _preview(pictures: Sequence[Picture], quick: bool) -> preview.PreviewFigures:
    _say("the lab's preview")
    return preview.measure(preview.of_twelve_megapixels(pictures), requests=10 if quick else 100)


def _cluster(pictures: Inputs, quick: bool) -> cluster.ClusterFigures:
    _say("a Dask cluster")
    if quick:
        return cluster.measure(pictures, images=50, repeats=1, tasks=50)
    return cluster.measure(pictures, images=4000, repeats=7, tasks=2000)


def _costs(quick: bool) -> list[operations.Cost]:
    _say("the cost of each operation")
    seconds = operations.SECONDS / 10 if quick else operations.SECONDS
    return operations.measure_apart(seconds)


def write(results: Results, folder: Path) -> None:
    """The page and its chart."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _PAGE).write_text(report.markdown(results), encoding="utf-8")
    chart.draw(results, folder / "benchmarks.svg")
    if results.cluster is not None:
        cluster_section.draw(results.cluster, folder / cluster_section.CHART)


def _measure_service(results: Results, pictures: Inputs, folder: Path, quick: bool) -> None:
    """What concerns Darkroom alone."""
    _say("POST /v1/process")
    results.latency = latency.measure(pictures.small, requests=50 if quick else 1000)
    images = 300 if quick else 10_000
    tiny = inputs.tiny(folder / "tiny", 100)
    for batch in (tiny, pictures.small):
        _say(f"a batch of {images} images")
        results.growth.append(growth.measure(WORKLOADS[0], batch, images, folder))
    _say("the planner's rules")
    results.rules = rules.measure(pictures.small[:: 8 if quick else 4], repeats=2 if quick else 15)
    results.stores = _stores(pictures.small, quick)
    results.ingest = _ingest(pictures.small, quick)
    results.stream = _stream(pictures.small, quick)
    results.preview = _preview(pictures.large, quick)
    results.cluster = _cluster(pictures, quick)
    results.costs = _costs(quick)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a try of seconds; figures mean little"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=[item.name for item in CONTESTANTS],
        help=f"this contestant; again for more: {', '.join(item.name for item in CONTESTANTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--workload", action="append", metavar="NAME", choices=[item.name for item in WORKLOADS],
        help=f"this workload; again for more: {', '.join(item.name for item in WORKLOADS)}",
    )  # fmt: skip
    parser.add_argument(
        "--only-operations",
        action="store_true",
        help="the cost of each operation alone; writes that section of the page",
    )
    parser.add_argument(
        "--only-stores",
        action="store_true",
        help="what the store takes alone; writes that section of the page",
    )
    parser.add_argument(
        "--only-ingest",
        action="store_true",
        help="folders over TCP alone; writes that section of the page",
    )
    parser.add_argument(
        "--only-stream",
        action="store_true",
        help="images over WebSocket alone; writes that section of the page",
    )
    parser.add_argument(
        "--only-preview",
        action="store_true",
        help="the lab's preview alone; writes that section of the page",
    )
    parser.add_argument(
        "--only-cluster",
        action="store_true",
        help="a Dask cluster alone; writes that section of the page",
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each contestant")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a measurement")
    parser.add_argument("--output", type=Path, help="folder for the page; default docs/")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
