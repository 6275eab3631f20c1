"""Work on each pixel by itself, a band of rows at a time, so that wide numbers stay few."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.operation import Image

_BAND_PIXELS = 1 << 19


def in_bands(image: Image, changed: Callable[[Image], NDArray[Any]]) -> Image:
    """`changed` of bands of rows, put together, in the depth of `image`.

    `changed` gets contiguous rows and gives as many, as whole numbers or limited floats.
    """
    result: Image | None = None
    for rows in _rows(image):
        band = changed(np.ascontiguousarray(image[rows]))  # type: ignore[arg-type]
        if result is None:
            result = np.empty((image.shape[0], *band.shape[1:]), image.dtype)
        result[rows] = band
    assert result is not None
    return result


def _rows(image: Image) -> Iterator[slice]:
    step = max(1, _BAND_PIXELS // image.shape[1])
    return (slice(start, start + step) for start in range(0, image.shape[0], step))
