"""Words on frames: the test pattern's, and those of a notice in a picture's place."""

import textwrap

import cv2
import numpy as np

from processors.operation import Image, Size

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLACK, _DARK = (255, 255, 255), (0, 0, 0), (48, 40, 36)
_LEAST_SIDE = 16


def write(image: Image, text: str, row: float, height: float) -> None:
    """Draw `text` into `image`, centred, its base line at `row`; both in shares of the height.

    It is made smaller where it would not fit the width.
    """
    rows, columns = image.shape[:2]
    scale = height * rows / 22  # the font's capitals are 22 pixels high
    thickness = max(1, round(scale * 2))
    wide = cv2.getTextSize(text, _FONT, scale, thickness)[0][0]
    scale *= min(1.0, 0.94 * columns / max(wide, 1))
    wide = cv2.getTextSize(text, _FONT, scale, thickness)[0][0]
    at = ((columns - wide) // 2, round(row * rows))
    # The letters' width grows with the thickness: an outline is the same letters, a bit beside.
    for across, down in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        beside = (at[0] + across, at[1] + down)
        cv2.putText(image, text, beside, _FONT, scale, _BLACK, thickness, cv2.LINE_AA)
    cv2.putText(image, text, at, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)


def notice(size: Size, title: str, detail: str) -> Image:
    """(H, W, 3) uint8: a dark frame that says what is wrong, in place of a picture."""
    rows, columns = max(size.height, _LEAST_SIDE), max(size.width, _LEAST_SIDE)
    image = np.full((rows, columns, 3), _DARK, np.uint8)
    write(image, title.upper(), 0.32, 0.07)
    for number, line in enumerate(textwrap.wrap(detail, 44)[:6]):
        write(image, line, 0.48 + 0.08 * number, 0.035)
    return image
