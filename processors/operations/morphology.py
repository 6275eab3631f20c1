"""Operations on shapes: what is bright grows or shrinks."""

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors.alpha import premultiplied
from processors.neighbours import odd
from processors.operation import Image, Operation, Size

Shape = Literal["rectangle", "ellipse", "cross"]

_SHAPES = {
    "rectangle": cv2.MORPH_RECT,
    "ellipse": cv2.MORPH_ELLIPSE,
    "cross": cv2.MORPH_CROSS,
}


class _Morphology(Operation):
    """A minimum or a maximum over the neighbourhood, or one after the other."""

    kernel_size: int = Field(
        3,
        ge=1,
        le=51,
        description="Side of the neighbourhood in pixels; even sizes are raised by one.",
    )
    shape: Shape = Field("rectangle", description="Shape of the neighbourhood.")

    kind: ClassVar[int]
    units: ClassVar = {"kernel_size": "px"}

    def apply(self, image: Image) -> Image:
        return image if self.kernel_size == 1 else premultiplied(image, self._changed)

    def _changed(self, image: Image) -> Image:
        side = odd(self.kernel_size)
        kernel = cv2.getStructuringElement(_SHAPES[self.shape], (side, side))
        return cv2.morphologyEx(np.ascontiguousarray(image), self.kind, kernel)  # type: ignore[return-value]

    def is_identity(self, size: Size) -> bool:
        return self.kernel_size == 1


class Erode(_Morphology):
    """Take the darkest of each pixel's neighbours: bright shapes shrink.

    Each channel by itself, in 8 or 16 bits; colour is weighted by alpha, and what is opaque
    shrinks too.
    """

    op: Literal["erode"] = "erode"
    example: ClassVar = "erode=3"
    kind: ClassVar = cv2.MORPH_ERODE


class Dilate(_Morphology):
    """Take the brightest of each pixel's neighbours: bright shapes grow.

    Each channel by itself, in 8 or 16 bits; colour is weighted by alpha, and what is opaque grows
    too.
    """

    op: Literal["dilate"] = "dilate"
    example: ClassVar = "dilate=3"
    kind: ClassVar = cv2.MORPH_DILATE


class Opening(_Morphology):
    """Erode, then dilate: bright specks go, larger shapes keep their size.

    Each channel by itself, in 8 or 16 bits; colour is weighted by alpha, which is opened too.
    """

    op: Literal["opening"] = "opening"
    example: ClassVar = "opening=3"
    kind: ClassVar = cv2.MORPH_OPEN


class Closing(_Morphology):
    """Dilate, then erode: dark specks go, larger shapes keep their size.

    Each channel by itself, in 8 or 16 bits; colour is weighted by alpha, which is closed too.
    """

    op: Literal["closing"] = "closing"
    example: ClassVar = "closing=3"
    kind: ClassVar = cv2.MORPH_CLOSE
