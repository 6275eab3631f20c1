"""The original batch server in plain OpenCV: what `/items/` is compared with."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from processors.operation import Image

Call = Callable[[Image], list[Image]]


def resize(factor: float) -> Call:
    def call(image: Image) -> list[Image]:
        height, width = image.shape[:2]
        size = (int(width * factor), int(height * factor))
        return [cv2.resize(image, size, interpolation=cv2.INTER_AREA)]  # type: ignore[list-item]

    return call


def split(image: Image) -> list[Image]:
    """Left-top, right-top, left-bottom, right-bottom."""
    height, width = int(image.shape[0] / 2), int(image.shape[1] / 2)
    top, bottom = image[:height], image[height:]
    return [top[:, :width], top[:, width:], bottom[:, :width], bottom[:, width:]]


def blur(side: int) -> Call:
    return lambda image: [cv2.GaussianBlur(image, (side, side), 4)]  # type: ignore[list-item]


def load(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> Image:
    """What `cv2.imread` gives, which has to be there."""
    image = cv2.imread(str(path), flags)
    assert image is not None, f"{path} is not there"
    return image  # type: ignore[return-value]


def results(source: Path, calls: list[Call]) -> list[Image]:
    """What the calls make of the image, in order, depth first."""
    images = [load(source)]
    for call in calls:
        images = [result for image in images for result in call(image)]
    return images


def assert_same_file(output: Path, image: Image, scratch: Path) -> None:
    """`output` has the very pixels that `cv2.imwrite` stores for `image` in that format."""
    expected = scratch / f"expected{output.suffix}"
    cv2.imwrite(str(expected), image)
    ours = load(output, cv2.IMREAD_UNCHANGED)
    theirs = load(expected, cv2.IMREAD_UNCHANGED)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)
