"""Operations that look at the neighbours of each pixel."""

from typing import ClassVar, Literal

from pydantic import Field

from processors import gaussian
from processors.alpha import premultiplied
from processors.operation import Image, Operation, Size


class Blur(Operation):
    """Smooth with a Gaussian kernel.

    Gray and 16-bit images stay what they are; colour is weighted by alpha.
    """

    op: Literal["blur"] = "blur"
    kernel_size: int = Field(
        5,
        ge=0,
        description="Side of the kernel in pixels; even sizes are raised by one; 0 derives it from "
        "sigma.",
    )
    sigma: float = Field(4.0, gt=0, le=150, description="Standard deviation in pixels.")

    aliases: ClassVar = ("gaussian_blur",)
    example: ClassVar = "blur=5"
    units: ClassVar = {"kernel_size": "px", "sigma": "px"}
    channelwise: ClassVar = True

    def apply(self, image: Image) -> Image:
        if self.kernel_size == 1:
            return image
        return premultiplied(image, self._smooth)

    def _smooth(self, image: Image) -> Image:
        # Twelve standard deviations out the weights are below 1e-31: no wider kernel differs.
        widest = int(24 * self.sigma) | 1
        side = min(self.kernel_size | 1, widest) if self.kernel_size else 0
        return gaussian.smooth(image, side, self.sigma)

    def is_identity(self, size: Size) -> bool:
        return self.kernel_size == 1
