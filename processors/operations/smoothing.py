"""Operations that smooth: less noise, less detail."""

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from processors.alpha import premultiplied
from processors.levels import on_colour
from processors.neighbours import contiguous, in_eight_bits, level, odd
from processors.operation import Image, Operation, Size

_TILE = 2048
"""Pixels; the side of what edge_preserve takes at once, as it needs 60 bytes a pixel."""


class BoxBlur(Operation):
    """Replace each pixel by the mean of the square around it.

    Gray and 16-bit images stay what they are; colour is weighted by alpha.
    """

    op: Literal["box_blur"] = "box_blur"
    kernel_size: int = Field(
        5, ge=1, le=999, description="Side of the square in pixels; even sizes are raised by one."
    )

    example: ClassVar = "box_blur=5"
    units: ClassVar = {"kernel_size": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        if self.kernel_size == 1:
            return image
        side = odd(self.kernel_size)
        return premultiplied(
            image,
            lambda found: cv2.blur(contiguous(found), (side, side)),  # type: ignore[arg-type,return-value]
        )

    def is_identity(self, size: Size) -> bool:
        return self.kernel_size == 1


class Median(Operation):
    """Replace each pixel by the median of the square around it: removes specks, keeps edges.

    Each channel by itself; colour is weighted by alpha. 16 bits are kept up to a side of 5; larger
    ones are worked out in 8 bits.
    """

    op: Literal["median"] = "median"
    kernel_size: int = Field(
        3, ge=1, le=255, description="Side of the square in pixels; even sizes are raised by one."
    )

    aliases: ClassVar = ("medianBlur",)
    example: ClassVar = "median=5"
    units: ClassVar = {"kernel_size": "px"}

    def apply(self, image: Image) -> Image:
        if self.kernel_size == 1:
            return image
        return premultiplied(image, self._median)

    def _median(self, image: Image) -> Image:
        side = odd(self.kernel_size)
        if side > 5:
            return in_eight_bits(image, lambda eight: cv2.medianBlur(eight, side))  # type: ignore[arg-type,return-value]
        return cv2.medianBlur(contiguous(image), side)  # type: ignore[return-value]

    def is_identity(self, size: Size) -> bool:
        return self.kernel_size == 1


class Bilateral(Operation):
    """Smooth between edges: neighbours of another colour count less.

    Gray and 16-bit images stay what they are (16 bits are worked out in float). Alpha stays as it
    is, and has no part in the weights. C. Tomasi, R. Manduchi, "Bilateral filtering for gray and
    color images", 1998.
    """

    op: Literal["bilateral"] = "bilateral"
    diameter: int = Field(
        9, ge=1, le=25, description="Diameter of the neighbourhood in pixels; 1 changes nothing."
    )
    sigma_color: float = Field(
        75, ge=1, le=1000, description="Standard deviation of the colour weights, in levels of 255."
    )
    sigma_space: float = Field(
        75, ge=0.1, le=1000, description="Standard deviation of the distance weights, in pixels."
    )

    aliases: ClassVar = ("bilateralFilter",)
    example: ClassVar = "bilateral=9"
    units: ClassVar = {"diameter": "px", "sigma_space": "px"}

    def apply(self, image: Image) -> Image:
        return image if self.diameter == 1 else on_colour(image, self._smooth)

    def _smooth(self, image: Image) -> Image:
        image = contiguous(image)
        if image.dtype == np.uint8:
            return self._filter(image, 1)
        result = self._filter(image.astype(np.float32), level(image))
        return np.clip(np.rint(result), 0, 65535).astype(np.uint16)

    def _filter(self, image: Image | np.ndarray, unit: float) -> Image:
        return cv2.bilateralFilter(  # type: ignore[return-value]
            image, self.diameter, self.sigma_color * unit, self.sigma_space
        )

    def is_identity(self, size: Size) -> bool:
        return self.diameter == 1


class Denoise(Operation):
    """Remove noise by non-local means: each pixel becomes a mean of those in like surroundings.

    Worked out in 8 bits, the depth is kept; alpha stays as it is. A. Buades, B. Coll, J.-M. Morel,
    "Non-Local Means Denoising", 2011, as OpenCV's fastNlMeansDenoising.
    """

    op: Literal["denoise"] = "denoise"
    strength: float = Field(
        10, gt=0, le=100, description="Noise that is removed, in levels of 255; more takes detail."
    )
    patch: int = Field(
        7, ge=3, le=9, description="Side of the surroundings in pixels; even sizes are raised."
    )
    search: int = Field(
        11,
        ge=3,
        le=21,
        description="Side of the square in which like ones are sought, in pixels; even sizes are "
        "raised by one. Time grows with its square.",
    )

    example: ClassVar = "denoise=10"
    units: ClassVar = {"patch": "px", "search": "px"}

    def apply(self, image: Image) -> Image:
        return on_colour(image, lambda colour: in_eight_bits(colour, self._filter))

    def _filter(self, image: Image) -> Image:
        return cv2.fastNlMeansDenoising(  # type: ignore[return-value]
            image, None, self.strength, odd(self.patch), odd(self.search)
        )


class EdgePreserve(Operation):
    """Smooth strongly and leave edges sharp, as a painting does.

    Worked out in 8 bits, the depth is kept; gray stays gray, alpha stays as it is. E. Gastal,
    M. Oliveira, "Domain Transform for Edge-Aware Image and Video Processing", 2011, the recursive
    filter of OpenCV's edgePreservingFilter; above 2048 pixels a side in overlapping tiles.
    """

    op: Literal["edge_preserve"] = "edge_preserve"
    sigma_space: float = Field(60, ge=1, le=100, description="How far pixels are mixed, in pixels.")
    sigma_color: float = Field(
        0.4, ge=0.01, le=1, description="Which differences count as an edge; 1 is white to black."
    )

    example: ClassVar = "edge_preserve=60"
    units: ClassVar = {"sigma_space": "px"}

    def apply(self, image: Image) -> Image:
        return on_colour(image, lambda colour: in_eight_bits(colour, self._smooth))

    def _smooth(self, image: Image) -> Image:
        result = np.empty_like(image)
        for top in range(0, image.shape[0], _TILE):
            for left in range(0, image.shape[1], _TILE):
                result[top : top + _TILE, left : left + _TILE] = self._tile(image, top, left)
        return result

    def _tile(self, image: Image, top: int, left: int) -> Image:
        """The result at (top, left); at the far side of the margin a pixel weighs 0.4% at most."""
        margin = int(4 * self.sigma_space)
        above, before = min(margin, top), min(margin, left)
        rows = slice(top - above, top + _TILE + margin)
        columns = slice(left - before, left + _TILE + margin)
        found = self._filter(contiguous(image[rows, columns]))
        return found[above : above + _TILE, before : before + _TILE]

    def _filter(self, image: Image) -> Image:
        if image.ndim == 2:
            return self._filter(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))[..., 1]  # type: ignore[arg-type]
        return cv2.edgePreservingFilter(  # type: ignore[return-value]
            image, flags=cv2.RECURS_FILTER, sigma_s=self.sigma_space, sigma_r=self.sigma_color
        )
