"""Watermarks: Pillow's compositing, and marks that stand where they were asked for."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow

from processors.errors import InvalidArguments, ResourceUnavailable, StepFailed
from processors.operation import Image
from processors.operations.overlay import Watermark
from processors.registry import registry
from processors.resources import set_reader
from tests.processors.files import file_of
from tests.resources import read_sample
from tests.samples import photograph

MARK = photograph(20, 10, 4, seed=2)
FILES: dict[str, Image] = {
    "mark": MARK,
    "deep": photograph(20, 10, 4, 16, seed=2),
    "gray": photograph(20, 10, 1, seed=2),
    "colour": photograph(20, 10, 3, seed=2),
    "high": photograph(1, 300, 3, seed=2),
}


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """A reader of the images above, as PNG."""

    def read(path: str) -> bytes:
        if path not in FILES:
            raise ResourceUnavailable(f"there is no file {path}")
        return file_of(FILES[path], "png")

    set_reader(read)
    yield
    set_reader(read_sample)


def marked(image: Image, path: str = "mark", **parameters: object) -> Image:
    """Laid with its own size on an image that is 80 pixels wide."""
    return registry().parse({"op": "watermark", "path": path, **parameters}).apply(image)


def pillow(image: Image, mark: Image, left: int, top: int) -> Image:
    """BGRA: `mark` laid by Pillow."""
    below = Pillow.fromarray(image[..., [2, 1, 0, 3]])
    below.alpha_composite(Pillow.fromarray(mark[..., [2, 1, 0, 3]]), (left, top))
    return np.asarray(below)[..., [2, 1, 0, 3]]


def test_a_mark_is_laid_as_by_pillow() -> None:
    image = photograph(80, 60, 4)
    found = marked(image, gravity="northwest", margin=5)
    expected = pillow(image, MARK, 5, 5)
    assert not np.array_equal(expected, image)
    seen = expected[..., 3] > 8  # below, Pillow's eight bits of premultiplied colour are too few
    assert np.abs(found[seen].astype(int) - expected[seen]).max() <= 1
    assert np.abs(found[..., 3].astype(int) - expected[..., 3]).max() <= 1


def test_opacity_is_that_of_a_mark_with_less_alpha() -> None:
    image = photograph(80, 60, 4)
    faint = MARK.copy()
    faint[..., 3] = np.rint(MARK[..., 3] * 0.4)
    found = marked(image, gravity="northwest", margin=5, opacity=0.4)
    expected = pillow(image, faint, 5, 5)
    seen = expected[..., 3] > 8
    assert np.abs(found[seen].astype(int) - expected[seen]).max() <= 1


@pytest.mark.parametrize("path", ["mark", "deep"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_depth_of_neither_matters(path: str, channels: int) -> None:
    eight = marked(photograph(80, 60, channels), "mark")
    sixteen = marked(photograph(80, 60, channels, 16), path)
    seen = eight[..., 3] > 0 if channels == 4 else np.ones(eight.shape[:2], bool)
    assert np.abs(sixteen[seen] / 257 - eight[seen]).max() <= 0.51


def test_a_colour_mark_on_gray_is_its_luma() -> None:
    found = marked(np.zeros((60, 80), np.uint8), "colour", gravity="northwest", margin=0)
    luma = FILES["colour"] @ (0.114, 0.587, 0.299)
    assert np.abs(found[:10, :20] - luma).max() <= 0.51


def test_a_gray_mark_on_colour_is_gray() -> None:
    found = marked(np.zeros((60, 80, 3), np.uint8), "gray", gravity="northwest", margin=0)
    assert (found[:10, :20] == FILES["gray"][..., np.newaxis]).all()


@pytest.mark.parametrize(
    ("gravity", "left", "top"),
    [
        ("northwest", 4, 4),
        ("north", 30, 4),
        ("northeast", 56, 4),
        ("west", 4, 25),
        ("center", 30, 25),
        ("east", 56, 25),
        ("southwest", 4, 46),
        ("south", 30, 46),
        ("southeast", 56, 46),
    ],
)
def test_a_mark_stands_where_its_gravity_says(gravity: str, left: int, top: int) -> None:
    expected = np.zeros((60, 80, 3), np.uint8)
    expected[top : top + 10, left : left + 20] = FILES["colour"]
    found = marked(np.zeros((60, 80, 3), np.uint8), "colour", gravity=gravity, margin=4)
    assert np.array_equal(found, expected)


def test_the_width_is_a_share_of_the_images_and_the_aspect_is_kept() -> None:
    found = marked(np.zeros((60, 80, 3), np.uint8), "colour", scale=0.5, margin=0)
    rows, columns = np.nonzero(found.any(axis=2))
    assert (rows.min(), columns.min()) == (40, 40)


def test_a_mark_that_would_be_higher_than_the_image_fits_its_height() -> None:
    image = np.zeros((60, 8000, 3), np.uint8)
    found = marked(image, "high", scale=1, margin=0)
    assert np.count_nonzero(found.any(axis=2).any(axis=0)) == 1


def test_a_mark_has_a_pixel_at_least() -> None:
    found = marked(np.zeros((1, 1, 3), np.uint8), "colour", scale=1e-6, margin=0)
    assert found.any()


def test_tiles_repeat_with_the_margin_between_them() -> None:
    expected = np.zeros((60, 80, 3), np.uint8)
    for top in range(3, 60, 13):
        for left in range(3, 80, 23):
            part = expected[top : top + 10, left : left + 20]
            part[:] = FILES["colour"][: part.shape[0], : part.shape[1]]
    image = np.zeros((60, 80, 3), np.uint8)
    found = marked(image, "colour", gravity="northwest", margin=3, tiled=True)
    assert np.array_equal(found, expected)


def test_tiles_are_cut_at_the_left_and_the_top() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    found = marked(image, "colour", gravity="southeast", margin=0, tiled=True)
    assert np.array_equal(found, np.tile(FILES["colour"], (6, 4, 1)))
    narrow = marked(image[:, :70], "colour", gravity="southeast", margin=0, tiled=True, scale=2 / 7)
    assert np.array_equal(narrow, found[:, 10:])


def test_an_image_that_cannot_be_read_fails_the_step() -> None:
    with pytest.raises(StepFailed, match="watermark: there is no file missing"):
        marked(photograph(8, 8), "missing")


@pytest.mark.parametrize(
    "text",
    [
        "watermark",
        'watermark=""',
        "watermark=a,middle",
        "watermark=a,scale=0",
        "watermark=a,scale=1.1",
        "watermark=a,opacity=2",
        "watermark=a,margin=-1",
        "watermark=" + "x" * 4097,
    ],
    ids=lambda text: text[:30],
)
def test_a_parameter_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        registry().parse(text)


def test_a_path_with_commas_comes_through_the_text_form() -> None:
    use = Watermark(path="a,b=c.png", margin=3)
    assert registry().parse(use.text()) == use


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "text",
    [
        "watermark=colour,opacity=0.6",
        "text=Hello,color=red,outline=2,outline_color=navy,opacity=0.7",
        "border=3,orange",
        "redact=[[2,2,30,30]],fill,teal",
        "redact=[[2,2,30,30]],blur",
        "redact=[[2,2,30,30]],pixelate",
        "grid=7,2,red",
    ],
)
def test_turning_gray_may_come_first(text: str, depth: int) -> None:
    use, gray = registry().parse(text), registry().parse("grayscale")
    image = photograph(80, 60, 3, depth)
    assert use.channelwise
    first, last = use.apply(gray.apply(image)), gray.apply(use.apply(image))
    assert np.abs(first.astype(int) - last).max() <= depth / 8  # OpenCV has luma in fixed point
