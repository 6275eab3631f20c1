"""What `python main.py batch` keeps of a batch, and shows of it."""

from io import StringIO

import pytest
from rich.console import Console

from processors.errors import DamagedImage, StepFailed
from processors.operations.filters import Blur
from processors.plan import Pipeline
from service.cli.report import progress, show_failures
from service.cli.tally import SHOWN_FAILURES, Tally
from service.engine.base import ItemResult
from service.jobs.batch import Batch
from service.jobs.expansion import BatchImage
from service.jobs.work import BatchWork


def tally_of(*errors: Exception | None) -> Tally:
    images = [BatchImage(f"in/{at}.jpg", (f"out/{at}.jpg",)) for at in range(len(errors))]
    tally = Tally(Batch(BatchWork(Pipeline(((0, Blur()), (1, Blur(kernel_size=7))))), images))
    for at, error in enumerate(errors):
        tally.add(ItemResult(at, error=error))
    return tally


def shown(tally: Tally) -> str:
    text = StringIO()
    show_failures(Console(file=text, width=200, markup=False), tally)
    return text.getvalue()


def test_a_failure_shows_its_operation() -> None:
    assert "blur: too small   1: blur=7" in shown(
        tally_of(None, StepFailed("blur", "too small", step=1))
    )


def test_failures_are_shown_up_to_a_number() -> None:
    text = shown(tally_of(*[DamagedImage("cut")] * (SHOWN_FAILURES + 5)))
    assert text.count("cut") == SHOWN_FAILURES
    assert text.endswith("and 5 more\n")


def test_no_failure_shows_no_table() -> None:
    assert shown(tally_of(None, None)) == ""


def test_control_characters_of_a_failure_do_not_reach_the_terminal() -> None:
    assert r"in \x1b[31m" in shown(tally_of(DamagedImage("in \x1b[31m")))


def test_a_tally_keeps_no_result_unless_it_is_told_to() -> None:
    tally = tally_of(None, DamagedImage("cut"))
    assert tally.results == []
    assert tally.counts.model_dump() == {"total": 2, "succeeded": 1, "failed": 1, "skipped": 0}


@pytest.mark.parametrize(("quiet", "bar"), [(False, True), (True, False)])
def test_a_terminal_shows_progress_unless_told_not_to(quiet: bool, bar: bool) -> None:
    text = StringIO()
    tally = tally_of(None, DamagedImage("cut"))
    with progress(Console(file=text, force_terminal=True, width=120), tally, quiet) as changed:
        changed()
    assert ("2/2" in text.getvalue()) == bar
    assert ("1 failed" in text.getvalue()) == bar


def test_progress_is_not_shown_where_there_is_no_terminal() -> None:
    text = StringIO()
    with progress(Console(file=text), tally_of(None), quiet=False) as changed:
        changed()
    assert text.getvalue() == ""
