"""Images that tests make."""

import cv2
import numpy as np

from processors.operation import Image


def photograph(width: int, height: int, channels: int = 3, depth: int = 8, seed: int = 1) -> Image:
    """(height, width[, channels]) uint8 or uint16: smooth areas, edges and fine noise.

    With four channels the alpha runs from clear to opaque, with parts of each.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    image += rng.normal(0, 6, image.shape)
    cv2.rectangle(image, (width // 4, height // 4), (width // 2, height // 2), (240, 30, 60), -1)
    result = np.clip(image, 0, 255).astype(np.uint8)
    if channels == 1:
        result = result[..., 1]
    if channels == 4:
        ramp = np.clip(np.linspace(-64, 320, width), 0, 255).astype(np.uint8)
        result = np.dstack([result, np.tile(ramp, (height, 1))])
    return result.astype(np.uint16) * 257 if depth == 16 else result  # type: ignore[no-any-return]
