"""The figures as a chart: one panel a workload, one bar a contestant."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

from benchmarks.measure import Figure
from benchmarks.results import Results
from benchmarks.workloads import Workload

_OURS, _LIMIT, _OTHERS = "#c8553d", "#3d5a80", "#a8b5c2"
_COLOURS = {"http": _OURS, "cli": _OURS, "opencv": _LIMIT, "opencv-tuned": _LIMIT}
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    # The same results give the same file: a change in it is a change in them.
    "svg.hashsalt": "darkroom",
    "svg.fonttype": "none",
}


def draw(results: Results, path: Path) -> None:
    """Write the chart as SVG."""
    with mpl.rc_context(STYLE):
        bars = [len(figures) for _, figures in results.figures]
        figure, axes = plt.subplots(
            len(bars), squeeze=False, figsize=(9, sum(bars) * 0.32 + len(bars) * 0.9),
            gridspec_kw={"height_ratios": bars}, layout="constrained",
        )  # fmt: skip
        for panel, (workload, figures) in zip(axes[:, 0], results.figures, strict=True):
            _panel(panel, workload, figures)
        save(figure, path)


def _panel(panel: Any, workload: Workload, figures: list[Figure]) -> None:
    titles = [figure.contestant.title for figure in figures]
    rates = [figure.rate for figure in figures]
    below = [figure.rate - figure.spread[0] for figure in figures]
    above = [figure.spread[1] - figure.rate for figure in figures]
    panel.barh(
        titles, rates, color=[_COLOURS.get(item.contestant.name, _OTHERS) for item in figures],
        height=0.7, xerr=(below, above), error_kw={"ecolor": "#444444", "elinewidth": 1},
    )  # fmt: skip
    for row, item in enumerate(figures):
        panel.annotate(
            f"{item.rate:,.0f}",
            (item.spread[1], row),
            (6, 0),
            textcoords="offset points",
            va="center",
        )
    panel.invert_yaxis()
    panel.set_xlim(0, max(item.spread[1] for item in figures) * 1.1)
    panel.tick_params(axis="y", length=0)
    panel.set_title(f"{workload.title}, images per second", loc="left", fontsize=11)


def save(figure: Any, path: Path) -> None:
    """As SVG, without blanks at the ends of lines, which reviews would complain about."""
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
