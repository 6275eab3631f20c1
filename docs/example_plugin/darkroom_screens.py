"""Operations that imitate screens."""

from typing import ClassVar, Literal

from pydantic import Field

from processors.operation import Image, Operation


class Scanlines(Operation):
    """Darken every second row, as an old screen does."""

    op: Literal["scanlines"] = "scanlines"
    strength: float = Field(0.5, ge=0, le=1, description="0 changes nothing, 1 gives black rows.")
    example: ClassVar = "scanlines=0.4"

    def apply(self, image: Image) -> Image:
        result = image.copy()
        rows = result[::2] if image.ndim == 2 else result[::2, :, :3]
        rows[...] = rows * (1 - self.strength)
        return result
