"""What is shown while a dataset is fetched: one bar for the bytes, one for the batches."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from service.cli.datasets.download import Changed


@contextmanager
def downloading(console: Console) -> Iterator[Changed]:
    """A bar of bytes; what it gives is to be called when some have come."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda size, total: bar.update(task, completed=size, total=total)


@contextmanager
def unpacking(console: Console, batches: int) -> Iterator[Progress]:
    """A bar of batches; advance its one task when one is saved."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("batches"), TimeRemainingColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        bar.add_task("", total=batches)
        yield bar
