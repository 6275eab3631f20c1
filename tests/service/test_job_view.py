"""A job in the words of its pages."""

import json

import pytest

from schemas.problems import Fault, Problem
from schemas.results import ImageResult
from service.store.jobs import StoredJob
from service.web.job_view import readable_seconds, words_of


def stored(**content: object) -> StoredJob:
    request = {"operations": [{"op": "grayscale"}, {"op": "flip"}], "encode": {}}
    content = {"request": request, "positions": [0, 2]} | content
    return StoredJob("job1", "completed", 0, 1, json.dumps(content))


def failed(pointer: str) -> ImageResult:
    problem = Problem(
        type="", title="", status=422, detail="", errors=[Fault(pointer=pointer, detail="")]
    )
    return ImageResult(0, "a.jpg", "failed", error=problem)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4217, "0.42 s"), (9.96, "10 s"), (12.4, "12 s"), (59.7, "1 min 0 s"), (7500, "2 h 5 min")],
)
def test_seconds_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert readable_seconds(seconds) == words


@pytest.mark.parametrize(
    ("pointer", "step"),
    [
        ("/operations/0", "step 1: grayscale"),
        ("/operations/2", "step 3: flip"),  # the second was left out
        ("/operations/7", "step 8"),
        ("/images/0/input", "reading"),
        ("/images/0/output", "writing"),
        ("/images/0", ""),
    ],
)
def test_a_failure_has_the_step_that_the_request_names(pointer: str, step: str) -> None:
    assert words_of(stored()).step_of(failed(pointer)) == step


def test_a_step_of_a_variant_is_named_with_it() -> None:
    variants = [{"output": "a", "operations": []}, {"output": "b", "operations": [{"op": "flip"}]}]
    request = {"operations": [], "encode": {}, "variants": variants}
    words = words_of(stored(request=request, positions=[]))
    found = words.step_of(failed("/variants/1/operations/0"))
    assert found == "variant 2, step 1: flip"


def test_a_job_of_an_earlier_version_has_its_page() -> None:
    words = words_of(stored())
    assert (words.first, words.variants, words.written) == ("", [], "")


def test_an_operation_that_is_not_known_any_more_is_shown_as_it_is_stored() -> None:
    request = {"operations": [{"op": "gone", "by": 5}], "encode": {}}
    words = words_of(stored(request=request, positions=[0]))
    assert "gone" in words.steps[0]
    assert words.lab == ""
