"""The text form of an operation's parameters: how it is read, written and refused."""

from time import perf_counter
from typing import Any

import pytest

from processors.errors import InvalidArguments, UnknownOperation
from processors.operations.cropping import Crop
from processors.operations.geometry import Resize, Rotate
from processors.registry import registry
from processors.text import format_arguments, parse_arguments, split_name

FIELDS = ("factor", "width", "height", "fit", "background")
DEPTH = 100_000
AT_ONCE = 0.5
"""Seconds; a hostile text of 100 kB takes a few hundredths."""


def read(arguments: str | None, fields: tuple[str, ...] = FIELDS) -> dict[str, Any]:
    return parse_arguments("resize", fields, arguments)


# --- the name ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blur", ("blur", None)),
        ("blur=", ("blur", "")),
        ("blur=5", ("blur", "5")),
        (" blur = 5 ", ("blur", "5")),
        ("blur=sigma=2", ("blur", "sigma=2")),
        ("", ("", None)),
    ],
)
def test_the_name_ends_at_the_first_equals_sign(
    text: str, expected: tuple[str, str | None]
) -> None:
    assert split_name(text) == expected


# --- values ------------------------------------------------------------------------------------


def test_without_arguments_all_is_default() -> None:
    assert read(None) == {}


def test_values_take_the_order_of_the_fields() -> None:
    assert read("0.5,400,300") == {"factor": "0.5", "width": "400", "height": "300"}


def test_values_may_be_named_in_any_order() -> None:
    assert read("height=300,fit=cover,width=400") == {
        "height": "300",
        "fit": "cover",
        "width": "400",
    }


def test_named_values_follow_those_by_position() -> None:
    assert read("0.5,fit=cover") == {"factor": "0.5", "fit": "cover"}


def test_space_around_values_and_names_is_left_out() -> None:
    assert read(" 0.5 , fit = cover ") == {"factor": "0.5", "fit": "cover"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("400x300", {"width": "400", "height": "300"}),
        ("400x", {"width": "400"}),
        ("x300", {"height": "300"}),
        ("400x300,cover", {"width": "400", "height": "300", "fit": "cover"}),
        (
            "400x300,cover,red",
            {"width": "400", "height": "300", "fit": "cover"} | {"background": "red"},
        ),
        ("400x300,background=red", {"width": "400", "height": "300", "background": "red"}),
    ],
)
def test_dimensions_are_a_width_and_a_height(text: str, expected: dict[str, str]) -> None:
    assert read(text) == expected


def test_dimensions_are_a_plain_value_where_there_is_no_width_and_height() -> None:
    assert read("400x300", ("text",)) == {"text": "400x300"}


def test_an_x_alone_is_a_plain_value() -> None:
    assert read("x") == {"factor": "x"}


def test_dimensions_reach_the_operation() -> None:
    expected = Resize(width=400, height=300, fit="cover")
    assert registry().parse("resize=400x300,cover") == expected


def test_a_quoted_value_keeps_its_commas_and_escapes() -> None:
    assert read(r'"a, \"b\" = [c","d"', ("x", "y")) == {"x": 'a, "b" = [c', "y": "d"}


def test_a_bracketed_value_is_json() -> None:
    assert read('[1,[2,3]],y={"a":[4,5]}', ("x", "y")) == {"x": [1, [2, 3]], "y": {"a": [4, 5]}}


def test_a_value_that_only_begins_like_json_is_text() -> None:
    assert read("[1,x]", ("x",)) == {"x": "[1,x]"}


def test_unicode_passes_unchanged() -> None:
    assert read("été,background=日本", ("x",)) == {"x": "été", "background": "日本"}


def test_an_empty_value_is_passed_on_to_be_judged() -> None:
    assert read("") == {"factor": ""}


# --- the JSON object ---------------------------------------------------------------------------


def test_a_json_object_names_its_values() -> None:
    assert read('{"width": 400, "fit": "cover"}') == {"width": 400, "fit": "cover"}


@pytest.mark.parametrize("text", ['{"width": 400', "{width: 400}", '{"width": 400} x', "{"])
def test_a_broken_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments, match="not a JSON object"):
        read(text)


# --- refusals ----------------------------------------------------------------------------------


def test_too_many_values_are_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(InvalidArguments, match="more values than its 2 parameters: x, y"):
        read("1,2,3", ("x", "y"))


def test_a_value_for_an_operation_without_parameters_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="grayscale takes no parameters"):
        registry().parse("grayscale=1")


@pytest.mark.parametrize("text", ["0.5,factor=0.6", "factor=0.5,factor=0.6", "400x300,width=5"])
def test_a_value_given_twice_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(InvalidArguments, match="given twice") as refused:
        read(text)
    assert refused.value.problems[0].path in {("factor",), ("width",)}


@pytest.mark.parametrize("text", ["[1,2", '"a', "1]", "],[", "]1[", '{"a":1},"', '[1,"]'])
def test_unbalanced_brackets_and_quotes_are_refused(text: str) -> None:
    with pytest.raises(InvalidArguments, match="unbalanced brackets or quotes"):
        read(f"1,{text}")


def test_an_unknown_name_is_refused_at_that_name() -> None:
    with pytest.raises(InvalidArguments) as refused:
        registry().parse("blur=kernel=5")
    assert refused.value.problems[0].path == ("kernel",)


@pytest.mark.parametrize("text", ["", "   ", "=", "===", "=5"])
def test_an_empty_name_is_an_unknown_operation(text: str) -> None:
    with pytest.raises(UnknownOperation):
        registry().parse(text)


@pytest.mark.parametrize("text", ["resize=", "resize=,400", "resize=0.5,", "resize=nan"])
def test_a_value_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)


HOSTILE = {
    "open brackets": "resize=" + "[" * DEPTH,
    "brackets": "resize=" + "[" * DEPTH + "]" * DEPTH,
    "closed brackets": "resize=" + "]" * DEPTH,
    "open nested arrays": 'resize={"factor":' + "[" * DEPTH,
    "nested arrays": 'resize={"factor":' + "[" * DEPTH + "]" * DEPTH + "}",
    "nested objects": "resize=" + '{"a":' * DEPTH + "1" + "}" * DEPTH,
    "nested but readable arrays": 'resize={"factor":' + "[" * 400 + "]" * 400 + "}",
    "commas": "resize=" + "," * DEPTH,
    "quotes": "resize=" + '"' * (DEPTH + 1),
    "backslashes": 'resize="' + "\\" * DEPTH,
    "a long number": "resize=" + "9" * DEPTH,
    "a long number in JSON": 'resize={"factor":' + "9" * DEPTH + "}",
    "long dimensions": "resize=" + "9" * DEPTH + "x" + "9" * DEPTH,
    "nearly dimensions": "resize=" + "1x" * DEPTH,
    "one name often": "resize=" + "a=1," * DEPTH,
    "a long name": "resize=" + "a" * DEPTH + "=1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    started = perf_counter()
    with pytest.raises(InvalidArguments):
        registry().parse(text)
    assert perf_counter() - started < AT_ONCE


@pytest.mark.parametrize("name", ["open brackets", "closed brackets", "quotes", "commas"])
def test_the_refusal_does_not_repeat_a_long_text(name: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        registry().parse(HOSTILE[name])
    assert len(str(refused.value)) < 300


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidArguments):
        registry().parse("flip=\ud800")


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (Resize(factor=0.5), "resize=0.5"),
        (Resize(width=400), "resize=width=400"),
        (Resize(width=400, height=300), "resize=400x300"),
        (Resize(width=400, height=300, fit="cover"), "resize=400x300,fit=cover"),
        (Crop(x=10, y=20, width=30, height=40), "crop=10,20,30,40"),
        (Crop(x=0, y=20, width=30, height=40), "crop=30x40,y=20"),
        (Rotate(degrees=45, expand=False), "rotate=45.0,false"),
    ],
)
def test_an_operation_is_written_in_its_shortest_form(operation: Any, text: str) -> None:
    assert operation.text() == text
    assert registry().parse(text) == operation


@pytest.mark.parametrize(
    "value",
    ["a,b", 'a"b', "a=b", "[a", "a]", "{", " a ", "", "400x300", "x", "été", "a\nb", "\\", "a b"],
)
def test_any_string_is_read_as_it_was_written(value: str) -> None:
    values = {"x": value, "y": "other"}
    _, text = split_name(format_arguments("resize", values, {"x", "y"}))
    assert read(text, ("x", "y")) == values
