"""Scaling: the interpolations, what is not enlarged, what gravity keeps, and thumbnails."""

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageOps

from processors.errors import InvalidArguments
from processors.operation import Image, Size, size_of
from processors.operations.geometry import Thumbnail
from processors.probing import probe
from processors.registry import registry
from tests.processors.files import file_of, planned, run_pixels
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)


def produced(text: str, image: Image) -> list[Image]:
    return registry().parse(text).produce(image)


def pillow(image: Image) -> PillowImage.Image:
    """The channels in the same order, whatever Pillow takes them for."""
    return PillowImage.fromarray(image)


# --- interpolation -----------------------------------------------------------------------------

OF_OPENCV = {
    "auto": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST_EXACT,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}


@by_kind
@pytest.mark.parametrize("size", [(20, 31), (150, 90), (61, 20)])
@pytest.mark.parametrize("interpolation", OF_OPENCV)
def test_an_interpolation_is_that_of_plain_opencv(
    interpolation: str, size: tuple[int, int], image: Image
) -> None:
    (found,) = produced(f"resize={size[0]}x{size[1]},interpolation={interpolation}", image)
    expected = cv2.resize(image, size, interpolation=OF_OPENCV[interpolation])
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("size", [(20, 31), (150, 90), (7, 200), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_nearest_takes_the_pixels_that_pillow_takes(size: tuple[int, int], channels: int) -> None:
    image = photograph(61, 47, channels)
    (found,) = produced(f"resize={size[0]}x{size[1]},interpolation=nearest", image)
    expected = pillow(image).resize(size, PillowImage.Resampling.NEAREST)
    assert np.array_equal(found, np.asarray(expected))


@pytest.mark.parametrize("size", [(150, 90), (61, 200)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_enlarging_gives_nearly_the_values_of_pillow(
    interpolation: str, size: tuple[int, int]
) -> None:
    """Pillow's cubic has the parameter -0.5, OpenCV's -0.75: sharper, by some levels at edges."""
    image = photograph(61, 47, 1)
    (found,) = produced(f"resize={size[0]}x{size[1]},interpolation={interpolation}", image)
    way = PillowImage.Resampling[interpolation.upper()]
    expected = np.asarray(pillow(image).resize(size, way)).astype(int)
    difference = np.abs(found - expected)
    assert difference.max() <= (1 if interpolation == "bilinear" else 20)
    assert difference.mean() <= (0.3 if interpolation == "bilinear" else 2)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "area"])
def test_the_planner_leaves_an_interpolation_that_was_asked_for(interpolation: str) -> None:
    image = photograph(400, 304)
    jpeg = file_of(image, "jpeg", quality=92)
    texts = [f"resize=0.7,interpolation={interpolation}", "resize=99x,interpolation=area"]
    for text in ([texts[0]], [texts[1]], texts):
        (fast,) = run_pixels(jpeg, *text, fidelity="fast")
        (exact,) = run_pixels(jpeg, *text, fidelity="exact")
        assert np.array_equal(fast, exact)


def test_nearest_keeps_the_colour_of_transparent_pixels() -> None:
    image = photograph(40, 30, 4)
    image[..., 3] = 0
    (found,) = produced("resize=20x15,interpolation=nearest", image)
    assert np.array_equal(found, image[1::2, 1::2])


# --- without enlarging -------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize(
    "arguments", ["2", "100x", "x100", "100x90", "100x90,inside", "100x90,cover"]
)
def test_an_image_that_is_smaller_keeps_its_pixels(arguments: str, image: Image) -> None:
    (found,) = produced(f"resize={arguments},enlarge=false", image)
    assert np.array_equal(found, image)


def test_contain_pads_around_an_image_that_is_smaller() -> None:
    image = photograph(61, 47)
    (found,) = produced("resize=101x87,contain,white,enlarge=false", image)
    assert found.shape == (87, 101, 3)
    assert np.array_equal(found[20:67, 20:81], image)
    assert (found[:20] == 255).all()


def test_cover_cuts_the_side_that_is_larger_all_the_same() -> None:
    image = photograph(61, 47)
    (found,) = produced("resize=100x31,cover,enlarge=false", image)
    assert np.array_equal(found, image[8:39])


@pytest.mark.parametrize("arguments", ["0.5", "30x", "30x20", "30x20,inside", "30x20,cover"])
def test_a_shrink_is_the_same_without_enlarging(arguments: str) -> None:
    image = photograph(61, 47)
    (found,) = produced(f"resize={arguments},enlarge=false", image)
    assert np.array_equal(found, produced(f"resize={arguments}", image)[0])


# --- gravity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gravity", "left"), [("west", 0), ("northwest", 0), ("center", 10), ("southeast", 20)]
)
def test_cover_keeps_the_part_that_gravity_says(gravity: str, left: int) -> None:
    image = photograph(80, 40)
    (found,) = produced(f"resize=20x20,cover,gravity={gravity}", image)
    scaled = cv2.resize(image, (40, 20), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found, scaled[:, left : left + 20])


@pytest.mark.parametrize(
    ("gravity", "top"), [("north", 0), ("northwest", 0), ("center", 5), ("southeast", 10)]
)
def test_contain_puts_the_image_where_gravity_says(gravity: str, top: int) -> None:
    image = photograph(80, 40)
    (found,) = produced(f"resize=20x20,contain,white,gravity={gravity}", image)
    scaled = cv2.resize(image, (20, 10), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found[top : top + 10], scaled)
    assert (np.delete(found, np.s_[top : top + 10], axis=0) == 255).all()


@pytest.mark.parametrize("centering", [("west", 0.0), ("center", 0.5), ("east", 1.0)])
def test_cover_at_a_whole_ratio_is_the_fit_of_pillow(centering: tuple[str, float]) -> None:
    image = photograph(80, 40)
    (found,) = produced(f"resize=20x20,cover,gravity={centering[0]}", image)
    box = PillowImage.Resampling.BOX
    expected = ImageOps.fit(pillow(image), (20, 20), box, centering=(centering[1], 0.5))
    assert np.abs(found - np.asarray(expected).astype(int)).max() <= 1


@pytest.mark.parametrize("centering", [("north", 0.0), ("center", 0.5), ("south", 1.0)])
def test_contain_at_a_whole_ratio_is_the_pad_of_pillow(centering: tuple[str, float]) -> None:
    image = photograph(80, 40)
    (found,) = produced(f"resize=20x20,contain,white,gravity={centering[0]}", image)
    expected = ImageOps.pad(
        pillow(image),
        (20, 20),
        PillowImage.Resampling.BOX,
        color=(255, 255, 255),
        centering=(0.5, centering[1]),
    )
    assert np.abs(found - np.asarray(expected).astype(int)).max() <= 1


# --- thumbnail ---------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [(20, 20), (30, 200), (59, 1), (61, 46), (1, 1), (200, 46)])
@pytest.mark.parametrize("source", [(61, 47), (47, 61), (300, 2), (2, 300), (64, 64)])
def test_the_size_of_a_thumbnail_is_that_of_pillow_but_for_rounding(
    source: tuple[int, int], box: tuple[int, int]
) -> None:
    expected = PillowImage.new("L", source)
    expected.thumbnail(box)
    found = Thumbnail(width=box[0], height=box[1]).output_size(Size(*source))
    assert all(abs(one - other) <= 1 for one, other in zip(found, expected.size, strict=True))
    assert all(1 <= side <= most for side, most in zip(found, box, strict=True))


@by_kind
def test_a_thumbnail_has_the_pixels_of_a_resize(image: Image) -> None:
    (found,) = produced("thumbnail=30x30", image)
    assert np.array_equal(found, cv2.resize(image, (30, 23), interpolation=cv2.INTER_AREA))


@by_kind
def test_a_thumbnail_does_not_enlarge(image: Image) -> None:
    assert np.array_equal(produced("thumbnail=61x47", image)[0], image)
    assert np.array_equal(produced("thumbnail=500", image)[0], image)


def test_one_number_is_a_square_box() -> None:
    assert produced("thumbnail=30", photograph(60, 20))[0].shape == (10, 30, 3)
    assert produced("thumbnail=30", photograph(20, 60))[0].shape == (30, 10, 3)


@pytest.mark.parametrize("text", ["thumbnail", "thumbnail=0", "thumbnail=x100", "thumbnail=70000"])
def test_a_box_without_a_width_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments, match="width"):
        registry().parse(text)


def test_a_thumbnail_of_a_jpeg_is_decoded_small() -> None:
    found = planned("thumbnail=100")
    assert found.decode.reduction == 8
    assert found.sizes == (Size(100, 75),)


CHAINS = [
    ("thumbnail=70", "thumbnail=33x90"),
    ("resize=0.6,interpolation=lanczos", "thumbnail=50"),
    ("thumbnail=150", "resize=90x90,cover,gravity=east,enlarge=false"),
    ("resize=2,enlarge=false", "resize=150x90,contain,gravity=south", "thumbnail=41"),
    ("crop=60%x51%,gravity=center", "zoom=1.5,0,1", "pad=70x90,mode=blur", "square_crop"),
    ("smart_crop=31x77", "pad=3,1", "resize=0.5,interpolation=nearest"),
]


@pytest.mark.parametrize("fidelity", ["fast", "exact"])
@pytest.mark.parametrize("chain", CHAINS, ids="; ".join)
@pytest.mark.parametrize("size", [(203, 155), (64, 200), (2, 90)])
def test_the_planner_predicts_the_size_of_a_chain(
    size: tuple[int, int], chain: tuple[str, ...], fidelity: str
) -> None:
    jpeg = file_of(photograph(*size), "jpeg")
    (found,) = run_pixels(jpeg, *chain, fidelity=fidelity)
    assert (size_of(found),) == planned(*chain, header=probe(jpeg), fidelity=fidelity).sizes
