"""What a batch shows on standard error: a progress bar, the failures, a summary."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from schemas.operations import SkippedOperation
from schemas.problems import Problem
from service.cli.tally import Failure
from service.logs import escape


class Shown(Protocol):
    """How far a batch is."""

    @property
    def failures(self) -> list[Failure]: ...

    @property
    def total(self) -> int: ...

    @property
    def done(self) -> int: ...

    @property
    def failed(self) -> int: ...


class RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("- images/s" if speed is None else f"{speed:.1f} images/s")


@contextmanager
def progress(console: Console, tally: Shown, quiet: bool) -> Iterator[Callable[[], None]]:
    """A progress bar; what it gives is to be called when the tally has changed.

    Nothing is shown where the console is no terminal.
    """
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]} failed"),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
        # What is done already does not count into the rate.
        task = bar.add_task("", total=tally.total, completed=tally.done, failed=tally.failed)

        def changed() -> None:
            bar.update(task, completed=tally.done, failed=tally.failed)

        yield changed


def failure_table(failures: Iterable[Failure]) -> Table:
    """One row a failure, in the order of the images."""
    table = Table("index", "input", "problem", "step", title="Failed", box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.overflow = "fold"
    for item in sorted(failures, key=lambda failure: failure.index):
        table.add_row(*map(escape, (str(item.index), item.input, item.problem, item.step)))
    return table


def show_failures(console: Console, tally: Shown) -> None:
    """The failures that were kept, and how many more there are."""
    if tally.failures:
        console.print(failure_table(tally.failures))
    if more := tally.failed - len(tally.failures):
        console.print(f"and {more} more")


def problem_text(problem: Problem) -> str:
    """A problem of a request in lines: its title, then each fault with its pointer."""
    faults = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in problem.errors]
    return "\n".join(map(escape, [problem.title, *(faults or [f"  {problem.detail}"])]))


def show_skipped(console: Console, skipped: Iterable[SkippedOperation]) -> None:
    """The operations that were left out for all images."""
    for item in skipped:
        console.print(escape(f"left out: {item.pointer}: {item.detail}"))
