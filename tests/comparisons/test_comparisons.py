"""The values of operations are those of other libraries, within the tolerance of each case."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageChops
from scipy import ndimage, stats
from skimage import feature

from tests.comparisons import colours, edges, frames, geometry, smoothing, tones
from tests.comparisons.case import Case, applied, differences, in_rgb
from tests.golden.catalogue import own_operations
from tests.samples import photograph

FAMILIES = (tones, colours, smoothing, edges, geometry, frames)
CASES = [case for family in FAMILIES for case in family.CASES]
SIZE = (160, 120)

LEAST_OVERLAP = 0.85
"""Share of the edges of each that the other has too, to a pixel. OpenCV measures a gradient by
|dx| + |dy| and thins lines between whole neighbours, scikit-image takes its length and
interpolates: the thresholds mean the same on the average over all directions only."""

BY_OTHER_TESTS = {
    "curves": "tests/processors/test_tone.py, SciPy",
    "canny": "below, scikit-image",
    "noise": "below, SciPy",
    "trim": "below, Pillow",
    "split": "tests/processors/test_cropping.py, NumPy",
    "watermark": "tests/processors/test_overlay.py, Pillow",
}

NOBODY_ELSE = {
    "edge_preserve": "the domain transform is OpenCV's; tests/processors/test_smoothing.py",
    "smart_crop": "what is of interest is each program's own idea",
    "deskew": "they turn an image, but do not find the angle",
    "round_corners": "drawn: edges are smoothed in each program's own way",
    "grid": "drawn",
    "text": "drawn",
    "redact": "made of blur, pixelate and a plain colour",
}
"""Operations that none of the libraries has, and why."""


PICTURES = [
    (case, channels, depth) for case in CASES for channels in case.channels for depth in case.depths
]


def identity(value: object) -> str | None:
    return f"{value.use}-{value.library}" if isinstance(value, Case) else None


@pytest.mark.parametrize(("case", "channels", "depth"), PICTURES, ids=identity)
def test_values_are_those_of_the_other_library(case: Case, channels: int, depth: int) -> None:
    found = differences(case, in_rgb(photograph(*SIZE, channels, depth)))
    assert found.max() <= case.most and found.mean() <= case.mean, (  # noqa: PT018 - one message
        f"{case.use} and {case.library} are up to {found.max():.3f} levels apart, "
        f"{found.mean():.3f} on average; allowed are {case.most} and {case.mean}"
    )


def test_canny_finds_the_edges_of_scikit_image() -> None:
    image = photograph(*SIZE, 1)
    smooth = applied("blur=0,1.5", image)
    ours = applied("canny=40,80", smooth) > 0
    # |dx| + |dy| is 4/pi of the length on average; a sigma this small smooths no more.
    length = np.pi / 4
    theirs = feature.canny(smooth.astype(float), 1e-3, 40 * length, 80 * length)
    for edges_of_one, edges_of_other in ((ours, theirs), (theirs, ours)):
        near = ndimage.binary_dilation(edges_of_other, np.ones((3, 3)))
        assert near[edges_of_one].mean() >= LEAST_OVERLAP


def test_trim_keeps_what_the_bounding_box_of_pillow_holds() -> None:
    framed = np.pad(photograph(*SIZE, 1), [(5, 9), (20, 3)], constant_values=77)
    plain = Pillow.new("L", framed.shape[::-1], 77)
    left, top, right, bottom = ImageChops.difference(Pillow.fromarray(framed), plain).getbbox()
    assert np.array_equal(applied("trim=0", framed), framed[top:bottom, left:right])


def test_noise_has_the_normal_distribution_of_scipy() -> None:
    noise = applied("noise=10", np.full((100, 100), 32768, np.uint16)) / 257 - 32768 / 257
    assert stats.kstest(noise.ravel(), stats.norm(0, 10).cdf).pvalue > 0.01


def test_every_operation_is_compared_or_nobody_else_has_it() -> None:
    compared = {case.operation for case in CASES} | BY_OTHER_TESTS.keys() | NOBODY_ELSE.keys()
    missing = [item.name() for item in own_operations() if item.name() not in compared]
    assert missing == [], "add a Case in tests/comparisons, or a line to one of the tables above"
