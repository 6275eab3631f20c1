"""Text: letters that are seen, where they were asked for, in the colour that was asked."""

import cv2
import numpy as np
import pytest
from pydantic_extra_types.color import Color

from processors.errors import InvalidArguments
from processors.operation import Image
from processors.operations.lettering import Text
from processors.registry import registry
from tests.samples import photograph

BLACK = np.zeros((120, 300), np.uint8)


def written(content: str, image: Image = BLACK, **parameters: object) -> Image:
    return registry().parse({"op": "text", "content": content, **parameters}).apply(image)


def ink(image: Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not black."""
    rows, columns = np.nonzero(image > 20)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def test_the_letters_are_those_of_opencv() -> None:
    found = written("Hello", gravity="northwest", margin=0, size=40)
    left, top, right, bottom = ink(found)
    expected = np.zeros_like(BLACK)
    cv2.putText(expected, "Hello", (4, 44), (255,), cv2.FontFace("sans"), 40, 400)
    assert ink(expected) == (left, top, right, bottom)
    assert np.array_equal(found, expected)


def test_the_edges_are_smooth() -> None:
    assert len(np.unique(written("Hello"))) > 50


def test_capitals_are_three_quarters_of_the_size_high() -> None:
    _, top, _, bottom = ink(written("H", size=80, margin=0))
    assert bottom - top + 1 == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("gravity", "x", "y"),
    [
        ("northwest", 0, 0),
        ("north", 1, 0),
        ("northeast", 2, 0),
        ("west", 0, 1),
        ("center", 1, 1),
        ("east", 2, 1),
        ("southwest", 0, 2),
        ("south", 1, 2),
        ("southeast", 2, 2),
    ],
)
def test_text_stands_where_its_gravity_says(gravity: str, x: int, y: int) -> None:
    left, top, right, bottom = ink(written("Hg", gravity=gravity, margin=10, size=20))
    spaces = ((left, (left + right) / 2 - 150, 299 - right), (top, (top + bottom) / 2 - 60))
    assert (10 <= spaces[0][x] <= 15) if x != 1 else abs(spaces[0][1]) <= 2
    if y == 1:
        assert abs(spaces[1][1]) <= 5
    else:
        assert 10 <= (top if y == 0 else 119 - bottom) <= 18


@pytest.mark.parametrize("content", ["Grüße", "Привет", "Ωμέγα", "世界", "日本語", "한국어", "€£©"])
def test_each_of_these_scripts_has_letters_of_its_own(content: str) -> None:
    unknown = written("?" * len(content))
    assert not np.array_equal(written(content), unknown)
    assert np.count_nonzero(written(content)) > 100


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert np.array_equal(written("e\u0301"), written("\u00e9"))


def test_a_line_break_begins_a_new_line() -> None:
    one = written("ab", gravity="northwest", size=20)
    two = written("ab\nab", gravity="northwest", size=20)
    assert np.array_equal(two[:40], one[:40])
    assert np.array_equal(two[40:80], one[14:54])


def test_text_beyond_the_image_is_cut_at_the_edge() -> None:
    wide = written("Hello world", np.zeros((60, 600), np.uint8), gravity="northwest")
    narrow = written("Hello world", np.zeros((60, 70), np.uint8), gravity="northwest")
    assert np.array_equal(narrow, wide[:, :70])


@pytest.mark.parametrize("outline", [0, 5])
def test_text_that_begins_beyond_the_image_is_cut_too(outline: int) -> None:
    whole = written("Hello", np.zeros((60, 300), np.uint8), gravity="east", outline=outline)
    part = written("Hello", np.zeros((60, 60), np.uint8), gravity="east", outline=outline)
    assert np.array_equal(part, whole[:, -60:])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_strokes_have_the_colour_and_nothing_else_is_touched(channels: int, depth: int) -> None:
    image = photograph(200, 100, channels, depth)
    found = written("III", image, size=80, gravity="center", color="#00ff00")
    white = 65535 if depth == 16 else 255
    colour = {1: round(0.587 * white), 3: (0, white, 0), 4: (0, white, 0, white)}[channels]
    same = found == np.asarray(colour)
    assert np.count_nonzero(same.all(axis=-1) if channels > 1 else same) > 500
    assert np.array_equal(found[:10], image[:10])
    assert np.array_equal(found[-10:], image[-10:])


def test_sixteen_bits_equal_eight_bits() -> None:
    eight, sixteen = (
        written("Hello", photograph(200, 100, 4, depth), outline=3, opacity=0.7)
        for depth in (8, 16)
    )
    seen = eight[..., 3] > 0
    assert np.abs(sixteen[seen] / 257 - eight[seen]).max() <= 1


def test_an_outline_is_as_wide_as_asked() -> None:
    bare = ink(written("I", size=60, gravity="center"))
    grey = written("I", size=60, gravity="center", outline=7, outline_color="#808080")
    left, top, right, bottom = ink(grey)
    widths = (bare[0] - left, bare[1] - top, right - bare[2], bottom - bare[3])
    assert widths == pytest.approx((7, 7, 7, 7), abs=1)  # a smooth edge may be half of a pixel off


def test_a_box_is_behind_the_text_and_its_opacity_is_of_both() -> None:
    found = written("I", size=60, gravity="center", background="#808080", opacity=0.5)
    left, top, right, bottom = ink(found)
    values, counts = np.unique(found[top : bottom + 1, left : right + 1], return_counts=True)
    assert values.min() == 64
    assert values.max() == 128
    assert values[counts.argmax()] == 64


def test_text_is_seen_where_the_image_is_clear() -> None:
    found = written("I", np.zeros((120, 300, 4), np.uint8), size=60, color="red")
    assert found[..., 3].max() == 255
    assert (found[found[..., 3] == 0] == 0).all()
    assert (found[found[..., 3] > 0][:, :3] == (0, 0, 255)).all()


@pytest.mark.parametrize(
    "content", ["a, b", "a=b", 'say "x"', "a\nb", " a ", "{a}", "5", "[1]", "é"]
)
def test_any_content_comes_through_the_text_form(content: str) -> None:
    use = Text(content=content, color=Color("red"))
    assert registry().parse(use.text()) == use


def test_a_line_break_can_be_written_in_quotes() -> None:
    assert dict(registry().parse(r'text="a, b\nc"'))["content"] == "a, b\nc"


def test_line_ends_of_other_systems_are_line_breaks() -> None:
    assert Text(content="a\r\nb").content == "a\nb"


@pytest.mark.parametrize("content", ["", "x" * 1001, "a\0b", "a\tb", "\x1b[1m", "\ud800"])
def test_content_that_cannot_be_written_is_refused(content: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse({"op": "text", "content": content})


@pytest.mark.parametrize("content", ["שלום", "عربي"])
def test_text_from_right_to_left_is_refused(content: str) -> None:
    with pytest.raises(InvalidArguments, match="left to right"):
        registry().parse({"op": "text", "content": content})


def test_a_thousand_of_the_largest_letters_take_seconds_at_most() -> None:
    content = "".join(chr(0x4E00 + at) for at in range(1000))
    assert written(content, np.zeros((50, 50), np.uint8), size=1000).shape == (50, 50)
