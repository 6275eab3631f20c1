"""How alike two images look."""

import numpy as np
from skimage.metrics import structural_similarity

from processors.operation import Image

_WINDOW = 7


def similarity(one: Image, other: Image) -> float:
    """The mean SSIM of two images alike in shape; 1 is equal.

    Where a side is shorter than the window of SSIM: 1 less the mean difference, white being 1.
    """
    assert one.shape == other.shape
    if np.array_equal(one, other):
        return 1.0  # which SSIM gives too, in a hundred times the time
    white = np.iinfo(one.dtype).max
    if min(one.shape[:2]) < _WINDOW:
        return 1 - float(np.abs(one.astype(float) - other).mean()) / white
    axis = 2 if one.ndim == 3 else None
    return float(
        structural_similarity(one, other, win_size=_WINDOW, channel_axis=axis, data_range=white)
    )
