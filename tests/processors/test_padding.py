"""Padding: where the border is, and what fills it."""

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps

from processors.errors import InvalidArguments, StepFailed
from processors.operation import Image, Size
from processors.operations.padding import Pad
from processors.registry import registry
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3, 4)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)


def padded(text: str, image: Image) -> Image:
    (found,) = registry().parse(text).produce(image)
    return found


def unpadded(image: Image, top: int, right: int, bottom: int, left: int) -> Image:
    return image[top : image.shape[0] - bottom, left : image.shape[1] - right]


# --- where -------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("pad=7", (7, 7, 7, 7)),
        ("pad=7,5", (7, 5, 7, 5)),
        ("pad=7,5,3", (7, 5, 3, 5)),
        ("pad=1,2,3,4", (1, 2, 3, 4)),
        ("pad=left=9", (0, 0, 0, 9)),
        ("pad=0,6", (0, 6, 0, 6)),
        ("pad=0,6,left=0", (0, 6, 0, 0)),
        ("pad=71x60", (6, 5, 7, 5)),
        ("pad=71x60,gravity=northwest", (0, 10, 13, 0)),
        ("pad=71x60,gravity=southeast", (13, 0, 0, 10)),
        ("pad=71x60,gravity=north", (0, 5, 13, 5)),
        ("pad=width=71", (0, 5, 0, 5)),
        ("pad=20x60", (6, 0, 7, 0)),
    ],
)
@pytest.mark.parametrize("mode", ["color", "blur", "reflect", "edge"])
def test_the_image_stands_unchanged_inside_its_border(
    mode: str, text: str, sides: tuple[int, int, int, int], image: Image
) -> None:
    found = padded(f"{text},mode={mode}", image)
    top, right, bottom, left = sides
    assert found.shape[:2] == (47 + top + bottom, 61 + left + right)
    assert np.array_equal(unpadded(found, *sides), image)


@pytest.mark.parametrize("text", ["pad=0", "pad=61x47", "pad=10x10", "pad=left=0,mode=blur"])
def test_a_border_of_nothing_changes_nothing(text: str) -> None:
    image = photograph(61, 47)
    assert registry().parse(text).is_identity(Size(61, 47))
    assert np.array_equal(padded(text, image), image)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pad", "give a border, as pad=20, or a size, as pad=800x600"),
        ("pad=mode=blur", "give a border, as pad=20, or a size, as pad=800x600"),
        ("pad=20,width=300", "give a border, or a width and/or a height, not both"),
        ("pad=0,height=300", "give a border, or a width and/or a height, not both"),
        ("pad=-1", "top: .*greater than or equal to 0"),
        ("pad=65536", "top: .*less than or equal to 65535"),
        ("pad=5,mode=mirror", "mode: "),
        ("pad=5,gravity=up", "gravity: "),
    ],
)
def test_a_border_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArguments, match=message):
        registry().parse(text)


def test_a_side_that_no_format_can_state_fails() -> None:
    pad = Pad(top=40_000)
    with pytest.raises(StepFailed, match="80003x80002 is too large; a side has 65535"):
        pad.output_size(Size(3, 2))
    with pytest.raises(StepFailed, match="80003x80002 is too large; a side has 65535"):
        pad.apply(photograph(3, 2))


# --- color -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "depth", "color", "expected"),
    [
        (1, 8, "red", round(0.299 * 255)),
        (1, 16, "white", 65535),
        (3, 8, "#0a141e", (0x1E, 0x14, 0x0A)),
        (3, 8, "#0a141e80", (0x1E, 0x14, 0x0A)),
        (3, 16, "red", (0, 0, 65535)),
        (4, 8, "red", (0, 0, 255, 255)),
        (4, 8, "#ff000033", (0, 0, 255, 0x33)),
        (4, 16, "#ff000033", (0, 0, 65535, 0x3333)),
    ],
)
def test_the_border_takes_the_colour(
    channels: int, depth: int, color: str, expected: int | tuple[int, ...]
) -> None:
    found = padded(f"pad=3,color={color}", photograph(20, 20, channels, depth))
    assert (found[:3] == expected).all()
    assert (found[:, -3:] == expected).all()


@by_kind
def test_the_border_is_transparent_or_black_unless_a_colour_is_given(image: Image) -> None:
    found = padded("pad=3", image)
    assert (found[:3] == 0).all()
    assert (found[:, :3] == 0).all()


@pytest.mark.parametrize("sides", [(7, 7, 7, 7), (1, 2, 3, 4), (0, 300, 0, 0)])
def test_a_border_of_a_colour_is_that_of_pillow(sides: tuple[int, int, int, int]) -> None:
    image = photograph(61, 47)
    top, right, bottom, left = sides
    expected = ImageOps.expand(
        PillowImage.fromarray(image), (left, top, right, bottom), fill=(30, 20, 10)
    )
    found = padded(f"pad={top},{right},{bottom},{left},color=#0a141e", image)
    assert np.array_equal(found, np.asarray(expected))


# --- reflect and edge --------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize("mode", ["reflect", "edge"])
@pytest.mark.parametrize("sides", [(1, 2, 3, 4), (46, 60, 0, 5), (200, 3, 100, 150)])
def test_mirrored_and_extended_edges_are_those_of_numpy(
    sides: tuple[int, int, int, int], mode: str, image: Image
) -> None:
    top, right, bottom, left = sides
    found = padded(f"pad={top},{right},{bottom},{left},{mode}", image)
    widths = ((top, bottom), (left, right), (0, 0))[: image.ndim]
    assert np.array_equal(found, np.pad(image, widths, mode=mode))  # type: ignore[call-overload]


@pytest.mark.parametrize("mode", ["reflect", "edge", "blur"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_pixel_fills_any_border(channels: int, mode: str) -> None:
    shape = (1, 1) if channels == 1 else (1, 1, channels)
    image = np.full(shape, 77, np.uint8)
    if channels == 4:
        image[..., 3] = 255
    assert (padded(f"pad=3,500,40,mode={mode}", image) == image[0, 0]).all()


# --- blur --------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_blurred_border_is_the_smoothed_image_with_its_edges_extended(
    channels: int, depth: int
) -> None:
    image = photograph(61, 47, channels, depth)
    found = padded("pad=20,40,mode=blur", image)
    extended = cv2.copyMakeBorder(image, 20, 20, 40, 40, cv2.BORDER_REPLICATE)
    sigma = 141 / 32
    smooth = cv2.GaussianBlur(extended, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    smooth[20:67, 40:101] = image
    assert np.array_equal(found, smooth)


def test_a_large_blurred_border_looks_like_one_smoothed_at_full_size() -> None:
    image = cv2.resize(photograph(64, 48), (900, 700), interpolation=cv2.INTER_CUBIC)
    found = padded("pad=0,300,mode=blur", image)
    extended = cv2.copyMakeBorder(image, 0, 0, 300, 300, cv2.BORDER_REPLICATE)
    smooth = cv2.GaussianBlur(extended, (0, 0), 1500 / 32, borderType=cv2.BORDER_REPLICATE)
    difference = np.abs(found[:, :300].astype(int) - smooth[:, :300])
    assert difference.max() <= 6


def test_unseen_colour_does_not_bleed_into_a_blurred_border() -> None:
    image = np.zeros((40, 40, 4), np.uint8)
    image[:20] = (0, 0, 255, 0)  # transparent red above opaque blue
    image[20:] = (255, 0, 0, 255)
    found = padded("pad=30,mode=blur", image)
    border = np.delete(found, np.s_[30:70], axis=0)
    seen = border[border[..., 3] > 0]
    assert len(seen) > 0
    assert (seen[:, 2] == 0).all()


def test_sixteen_bits_are_blurred_as_eight() -> None:
    found = padded("pad=20,mode=blur", photograph(61, 47, 3, 16)) / 257
    assert np.abs(found - padded("pad=20,mode=blur", photograph(61, 47))).max() <= 1
