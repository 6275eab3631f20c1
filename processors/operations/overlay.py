"""Operations that lay another image over the image."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from processors.compositing import Indexes, along, lay, standing
from processors.errors import ResourceUnavailable
from processors.operation import Image, Operation, Size, size_of
from processors.placement import Gravity
from processors.resample import Resample
from processors.resources import resource

_MAX_PATH = 4096


class Watermark(Operation):
    """Lay another image over the image, once or repeated.

    The mark is scaled to a share of the image's width; one that would be higher than the image is
    scaled to its height. It is laid by Porter-Duff's "over", with the transparency that it has;
    the alpha of the image grows where the mark covers it. On a gray image the mark turns gray, and
    it takes the depth of the image. The file is read as an input is, from the same folders.
    """

    op: Literal["watermark"] = "watermark"
    path: str = Field(min_length=1, max_length=_MAX_PATH, description="Path of the mark.")
    gravity: Gravity = Field("southeast", description="Where the mark stands.")
    margin: int = Field(
        16, ge=0, le=10_000, description="Pixels to the edges, or between marks that are repeated."
    )
    scale: float = Field(
        0.25, gt=0, le=1, description="Width of the mark as a share of the image's width."
    )
    opacity: float = Field(1, ge=0, le=1, description="0 is unseen, 1 as opaque as the mark is.")
    tiled: bool = Field(False, description="Repeat the mark over the whole image.")

    example: ClassVar = "watermark=testimages/cyclo4.jpg"
    units: ClassVar = {"margin": "px"}
    channelwise: ClassVar = True

    @property
    def resources(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, image: Image) -> Image:
        mark = self._mark(size_of(image))
        result: Image = np.array(image, order="C")  # type: ignore[assignment]
        rows, columns = self._places(size_of(image), size_of(mark))
        lay(result, mark, rows, columns, self.opacity)
        return result

    def _mark(self, size: Size) -> Image:
        try:
            mark = resource(self.path)
        except ResourceUnavailable as error:
            raise self.fail(str(error)) from error
        scaled = self._scaled(size_of(mark), size)
        return Resample(scaled, scaled).apply(mark)

    def _scaled(self, mark: Size, size: Size) -> Size:
        width = size.width * self.scale
        height = mark.height * width / mark.width
        fit = min(1, size.height / height)
        return Size(max(1, round(width * fit)), max(1, round(height * fit)))

    def _places(self, size: Size, mark: Size) -> tuple[Indexes, Indexes]:
        """For each row and column of the image, the mark's that lies on it."""
        left, top = standing(size, mark, self.gravity, self.margin)
        across = mark.width + self.margin if self.tiled else None
        down = mark.height + self.margin if self.tiled else None
        rows = along(size.height, top, mark.height, down)
        return rows, along(size.width, left, mark.width, across)
