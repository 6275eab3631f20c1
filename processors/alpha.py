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
    if is_opaque(image):
        return filtered(image)
    white = full_scale(image)
    result = filtered(cv2.multiply(image, _weight(image), scale=1 / white))  # type: ignore[arg-type]
    return cv2.divide(result, _weight(result), scale=white)  # type: ignore[return-value]


def _weight(image: Image) -> Image:
    """Alpha for each colour, and white for alpha, which keeps it as it is: (H, W, 4)."""
    return cv2.cvtColor(alpha_of(image), cv2.COLOR_GRAY2BGRA)  # type: ignore[return-value]


def is_opaque(image: Image) -> bool:
    """Whether nothing of `image` is transparent: it has no alpha, or a full one everywhere."""
    return channels_of(image) != 4 or bool(image[..., 3].min() == full_scale(image))


def colour_of(image: Image) -> Image:
    """The colour (H, W, 3) of an image with alpha.

    A copy by OpenCV: given a slice of channels it copies it too, and crashes for want of memory
    where this raises.
    """
    return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)  # type: ignore[return-value]


def alpha_of(image: Image) -> Image:
    """A copy (H, W) of the alpha of `image` (H, W, 4)."""
    return cv2.extractChannel(image, 3)  # type: ignore[return-value]


def joined(colour: Image, alpha: Image) -> Image:
    """`colour`, gray or BGR, with `alpha` (H, W) of its dtype: (H, W, 4)."""
    code = cv2.COLOR_GRAY2BGRA if colour.ndim == 2 else cv2.COLOR_BGR2BGRA
    return cv2.insertChannel(alpha, cv2.cvtColor(colour, code), 3)  # type: ignore[return-value]


def full_scale(image: Image) -> int:
    """The value of white: 255 or 65535."""
    return int(np.iinfo(image.dtype).max)


def flatten(image: Image, background: tuple[int, int, int]) -> Image:
    """`image` (H, W, 4) laid onto `background` (B, G, R of 255): (H, W, 3)."""
    weight = cv2.cvtColor(alpha_of(image), cv2.COLOR_GRAY2BGR)
    scale = full_scale(image)
    seen = cv2.multiply(colour_of(image), weight, scale=1 / scale)
    level = np.array([*background, 0]) * (scale / 255)
    behind = cv2.multiply(cv2.bitwise_not(weight), level, scale=1 / scale)
    return cv2.add(seen, behind)  # type: ignore[return-value]
