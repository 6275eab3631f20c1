"""Filtering images whose colour means less where they are transparent."""

from collections.abc import Callable

import cv2
import numpy as np

from processors.operation import Image, channels_of


def premultiplied(image: Image, filtered: Callable[[Image], Image]) -> Image:
    """`filtered(image)`, with the colour weighted by alpha when there is transparency.

    A mean over straight alpha lets the unseen colour of transparent pixels bleed into seen ones.
    Colour is multiplied by alpha, filtered, and divided by the filtered alpha, in the dtype of
    `image`: exact to one level where alpha is high, coarser where hardly anything is seen.
    """
    if channels_of(image) != 4 or image[..., 3].min() == full_scale(image):
        return filtered(image)
    weight = cv2.cvtColor(image[..., 3], cv2.COLOR_GRAY2BGR)
    colour = cv2.multiply(colour_of(image), weight, scale=1 / full_scale(image))
    result = filtered(np.dstack([colour, image[..., 3]]))  # type: ignore[arg-type]
    weight = cv2.cvtColor(result[..., 3], cv2.COLOR_GRAY2BGR)
    colour = cv2.divide(colour_of(result), weight, scale=full_scale(image))
    return np.dstack([colour, result[..., 3]])  # type: ignore[return-value]


def colour_of(image: Image) -> Image:
    """The colour (H, W, 3) of an image with alpha.

    A copy by OpenCV: given a slice of channels it copies it too, and crashes for want of memory
    where this raises.
    """
    return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)  # type: ignore[return-value]


def full_scale(image: Image) -> int:
    """The value of white: 255 or 65535."""
    return int(np.iinfo(image.dtype).max)


def flatten(image: Image, background: tuple[int, int, int]) -> Image:
    """`image` (H, W, 4) laid onto `background` (B, G, R of 255): (H, W, 3)."""
    weight = cv2.cvtColor(image[..., 3], cv2.COLOR_GRAY2BGR)
    scale = full_scale(image)
    seen = cv2.multiply(colour_of(image), weight, scale=1 / scale)
    level = np.array([*background, 0]) * (scale / 255)
    behind = cv2.multiply(cv2.bitwise_not(weight), level, scale=1 / scale)
    return cv2.add(seen, behind)  # type: ignore[return-value]
