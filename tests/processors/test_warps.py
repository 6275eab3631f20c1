"""Warps: pixel by pixel what plain OpenCV gives, and what Pillow and scikit-image give nearly."""

from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.transform import AffineTransform, ProjectiveTransform, warp

from processors.errors import InvalidArguments
from processors.operation import Image, Size
from processors.registry import registry
from tests.processors.files import planned
from tests.samples import photograph

KINDS = [
    pytest.param(photograph(61, 47, channels, depth), id=f"{channels} channels, {depth} bits")
    for channels in (1, 3)
    for depth in (8, 16)
]
by_kind = pytest.mark.parametrize("image", KINDS)

SHEAR = "[[0.9,0.2,-3.5],[-0.15,1.1,4.25]]"
MATRIX = np.array([[0.9, 0.2, -3.5], [-0.15, 1.1, 4.25]])
QUADRILATERAL = "[[8,5],[50,9],[55,40],[4,36]]"
CORNERS = np.array([[8, 5], [50, 9], [55, 40], [4, 36]], np.float32)


def applied(text: str, image: Image) -> Image:
    (result,) = registry().parse(text).produce(image)
    return result


def difference(one: Any, other: Any) -> float:
    return float(np.abs(one.astype(float) - other).max())


# --- transpose ---------------------------------------------------------------------------------


@by_kind
def test_rows_become_columns(image: Image) -> None:
    assert np.array_equal(applied("transpose", image), np.swapaxes(image, 0, 1))


@by_kind
def test_the_other_diagonal_swaps_the_other_corners(image: Image) -> None:
    expected = np.swapaxes(image[::-1, ::-1], 0, 1)
    assert np.array_equal(applied("transpose=anti", image), expected)


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("transpose", Pillow.Transpose.TRANSPOSE),
        ("transpose=anti", Pillow.Transpose.TRANSVERSE),
    ],
)
def test_transposing_is_that_of_pillow(text: str, method: Pillow.Transpose) -> None:
    image = photograph(61, 47, 4)
    expected = np.asarray(Pillow.fromarray(image).transpose(method))
    assert np.array_equal(applied(text, image), expected)


# --- affine ------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("nearest", cv2.INTER_NEAREST),
        ("bilinear", cv2.INTER_LINEAR),
        ("bicubic", cv2.INTER_CUBIC),
    ],
)
def test_affine_is_that_of_plain_opencv(name: str, flag: int, image: Image) -> None:
    found = applied(f"affine={SHEAR},70x30,{name}", image)
    assert np.array_equal(found, cv2.warpAffine(image, MATRIX, (70, 30), flags=flag))


@by_kind
def test_a_move_by_whole_pixels_copies_them(image: Image) -> None:
    found = applied("affine=[[1,0,7],[0,1,-5]]", image)
    assert np.array_equal(found[:-5, 7:], image[5:, :-7])
    assert not found[-5:].any()
    assert not found[:, :7].any()


def test_affine_is_nearly_that_of_scikit_image() -> None:
    image = photograph(61, 47)
    inverse = AffineTransform(np.vstack([MATRIX, (0, 0, 1)])).inverse
    expected = warp(image, inverse, order=1, preserve_range=True)
    inside = warp(np.ones((47, 61)), inverse, order=1) > 0.999
    assert inside.mean() > 0.7
    assert difference(applied(f"affine={SHEAR}", image)[inside], expected[inside]) <= 1


def test_affine_is_nearly_that_of_pillow() -> None:
    """Pillow has the middles of pixels at halves, and maps from the result to the image."""
    image = photograph(61, 47)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    inverse = half @ np.linalg.inv(np.vstack([MATRIX, (0, 0, 1)])) @ np.linalg.inv(half)
    expected = Pillow.fromarray(image).transform(
        (61, 47),
        Pillow.Transform.AFFINE,
        tuple(inverse[:2].ravel()),
        Pillow.Resampling.BILINEAR,
    )
    found = applied(f"affine={SHEAR}", image)
    inside = cv2.warpAffine(np.ones((47, 61)), MATRIX, (61, 47)) > 0.999
    assert difference(found[inside], np.asarray(expected)[inside]) <= 2


def test_one_side_of_the_result_may_stay() -> None:
    operation = registry().parse(f"affine={SHEAR},height=9")
    assert operation.output_sizes(Size(61, 47)) == [Size(61, 9)]


def test_the_matrix_of_no_change_is_left_out_of_the_plan() -> None:
    assert planned("affine=[[1,0,0],[0,1,0]]").steps == ()
    assert len(planned("affine=[[1,0,0],[0,1,0]],width=799").steps) == 1


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ("[[1,2,0],[2,4,0]]", "the matrix is singular"),
        ("[[0,0,5],[0,0,5]]", "the matrix is singular"),
        ("[[1,0,0],[0,1e-7,0]]", "the matrix is singular"),
        ("[[1,0,NaN],[0,1,0]]", "should be a finite number"),
        ("[[Infinity,0,0],[0,1,0]]", "should be a finite number"),
        ("[[1,0,1e7],[0,1,0]]", "less than or equal to 1000000"),
        ("[[1,0],[0,1]]", "Field required"),
        ("[[1,0,0],[0,1,0],[0,0,1]]", "at most 2 items"),
        ("1", "valid tuple"),
    ],
)
def test_a_matrix_that_maps_no_image_is_refused(matrix: str, reason: str) -> None:
    with pytest.raises(InvalidArguments, match=reason):
        registry().parse(f"affine={matrix}")


def test_small_scales_are_not_singular() -> None:
    found = applied("affine=[[1e-6,0,0],[0,1e-6,0]]", photograph(61, 47, 1) | np.uint8(1))
    assert np.count_nonzero(found) == 1


# --- perspective -------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_an_upright_rectangle_is_cut_out_as_crop_does(interpolation: str, image: Image) -> None:
    text = f"perspective=[[10,7],[40,7],[40,30],[10,30]],interpolation={interpolation}"
    assert np.array_equal(applied(text, image), image[7:30, 10:40])


@by_kind
def test_perspective_is_that_of_plain_opencv(image: Image) -> None:
    """Which has its points in the middles of pixels, ours are half a pixel off."""
    target = np.array([[0, 0], [40, 0], [40, 30], [0, 30]], np.float32)
    matrix = cv2.getPerspectiveTransform(CORNERS - 0.5, target - 0.5)
    expected = cv2.warpPerspective(image, matrix, (40, 30))
    found = applied(f"perspective={QUADRILATERAL},40x30", image)
    assert difference(found, expected) <= np.iinfo(image.dtype).max / 255


def test_perspective_is_nearly_that_of_scikit_image() -> None:
    image = photograph(61, 47)
    target = np.array([[0, 0], [40, 0], [40, 30], [0, 30]])
    inverse = ProjectiveTransform.from_estimate(target - 0.5, CORNERS - 0.5)
    expected = warp(image, inverse, order=1, output_shape=(30, 40), preserve_range=True)
    assert difference(applied(f"perspective={QUADRILATERAL},40x30", image), expected) <= 1


@pytest.mark.parametrize(
    ("points", "size"),
    [
        ("[[0,0],[30,0],[30,40],[0,40]]", Size(30, 40)),
        ("[[0,0],[30,0],[34,40],[-4,40]]", Size(38, 40)),
        ("[[10,10],[40,50],[0,80],[-30,40]]", Size(50, 50)),
        ("[[0,0],[0.3,0],[0.3,0.2],[0,0.2]]", Size(1, 1)),
        ("[[0.5,0],[1,0.5],[0.5,1],[0,0.5]],unit=fraction", Size(500, 500)),
        ("[[0,0],[1,0],[1,1],[0,1]],unit=fraction,height=7", Size(800, 7)),
    ],
)
def test_the_sides_are_the_longer_of_those_that_face(points: str, size: Size) -> None:
    assert registry().parse(f"perspective={points}").output_sizes(Size(800, 600)) == [size]


def test_fractions_are_those_of_the_image() -> None:
    image = photograph(60, 40)
    text = "perspective=[[0.25,0.25],[0.75,0.25],[0.75,0.5],[0.25,0.5]],unit=fraction"
    assert np.array_equal(applied(text, image), image[10:20, 15:45])


def test_the_whole_image_is_left_out_of_the_plan() -> None:
    assert planned("perspective=[[0,0],[1,0],[1,1],[0,1]],unit=fraction").steps == ()


def test_corners_that_begin_elsewhere_turn_the_image() -> None:
    image = photograph(60, 40)
    found = applied("perspective=[[0,40],[0,0],[60,0],[60,40]]", image)
    assert difference(found, np.rot90(image, 3)) <= 1


def test_a_photographed_page_becomes_straight() -> None:
    page = cv2.GaussianBlur(photograph(200, 160), (0, 0), 2)
    seen = np.array([[60, 40], [330, 70], [300, 290], [30, 250]], np.float32)
    flat = np.array([[0, 0], [200, 0], [200, 160], [0, 160]], np.float32)
    photo = cv2.warpPerspective(page, cv2.getPerspectiveTransform(flat, seen), (400, 300))
    found = applied("perspective=[[60,40],[330,70],[300,290],[30,250]],200x160", photo)
    assert np.abs(found[3:-3, 3:-3].astype(float) - page[3:-3, 3:-3]).mean() < 3


@pytest.mark.parametrize(
    "points",
    [
        pytest.param("[[0,0],[50,50],[50,0],[0,50]]", id="crossed"),
        pytest.param("[[0,0],[10,0],[20,0],[30,0]]", id="flat"),
        pytest.param("[[0,0],[10,0],[10,0],[0,10]]", id="two are one"),
        pytest.param("[[5,5],[5,5],[5,5],[5,5]]", id="a point"),
        pytest.param("[[0,0],[50,0],[10,10],[0,50]]", id="dented"),
        pytest.param("[[0,0],[0,50],[50,50],[50,0]]", id="against the clock"),
    ],
)
def test_points_that_are_no_quadrilateral_are_refused(points: str) -> None:
    with pytest.raises(InvalidArguments, match="no quadrilateral with four outward corners"):
        registry().parse(f"perspective={points}")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("[[0,0],[50,0],[50,50],[0,50]],unit=fraction", "all points lie between 0 and 1"),
        ("[[0,0],[50,0],[50,50]]", "Field required"),
        ("[[0,0],[50,0],[50,NaN],[0,50]]", "finite number"),
        ("[[0,0],[200000,0],[50,50],[0,50]]", "less than or equal to 131070"),
    ],
)
def test_points_out_of_range_are_refused(arguments: str, reason: str) -> None:
    with pytest.raises(InvalidArguments, match=reason):
        registry().parse(f"perspective={arguments}")


# --- both --------------------------------------------------------------------------------------

OUTSIDE = ["affine=[[1,0,20],[0,1,20]]", "perspective=[[-20,-20],[30,-19],[30,30],[-20,30]]"]
by_outside = pytest.mark.parametrize("text", OUTSIDE)


@by_outside
@pytest.mark.parametrize(
    ("channels", "depth", "corner"),
    [
        (1, 8, round(0.299 * 255)),
        (3, 8, (0, 0, 255)),
        (3, 16, (0, 0, 65535)),
        (4, 8, (0, 0, 0, 0)),
        (4, 16, (0, 0, 0, 0)),
    ],
)
def test_what_lies_outside_takes_the_background(
    channels: int, depth: int, corner: Any, text: str
) -> None:
    found = applied(f"{text},background=red", photograph(40, 40, channels, depth))
    assert (found[0, 0] == corner).all()


@pytest.mark.parametrize(
    "text", [f"affine={SHEAR},60x40", f"perspective={QUADRILATERAL}", f"affine={SHEAR}"]
)
def test_unseen_colour_does_not_bleed(text: str) -> None:
    image = np.zeros((47, 61, 4), np.uint8)
    image[..., 0] = 255  # unseen blue
    image[15:30, 20:40] = (0, 0, 200, 255)
    found = applied(text, image)
    assert found[found[..., 3] > 0, 0].max() == 0


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("text", [f"affine={SHEAR}", f"perspective={QUADRILATERAL}"])
def test_sixteen_bits_give_what_eight_give(text: str, interpolation: str) -> None:
    shallow = applied(f"{text},interpolation={interpolation}", photograph(61, 47))
    deep = applied(f"{text},interpolation={interpolation}", photograph(61, 47, depth=16))
    assert difference(deep / 257, shallow) <= 1
