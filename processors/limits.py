"""What one image may cost. A limit is checked before the cost arises."""

from dataclasses import dataclass

from processors.errors import ImageTooLarge, StepFailed
from processors.operation import Size

MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """max_bytes: of a file; max_pixels: of an image, decoded or produced, the parts of a split
    together; max_outputs: images that one may become."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 50 * MEGAPIXEL
    max_outputs: int = 1024

    def check_bytes(self, count: int) -> None:
        """Raises ImageTooLarge."""
        if count > self.max_bytes:
            raise ImageTooLarge(f"{count} bytes is over the limit of {self.max_bytes}")

    def check_size(self, size: Size) -> None:
        """Raises ImageTooLarge."""
        if size.pixels > self.max_pixels:
            raise ImageTooLarge(f"{size} is {self._over(size.pixels)}")

    def check_count(self, op: str, count: int) -> None:
        """Raises StepFailed when a step gives too many images."""
        if count > self.max_outputs:
            raise StepFailed(op, f"gives {count} images or more; the limit is {self.max_outputs}")

    def check_sizes(self, op: str, sizes: list[Size]) -> None:
        """Raises StepFailed when what a step gives is too much."""
        self.check_count(op, len(sizes))
        pixels = sum(size.pixels for size in sizes)
        if pixels > self.max_pixels:
            raise StepFailed(op, f"gives {self._over(pixels)}")

    def _over(self, pixels: int) -> str:
        over, limit = pixels / MEGAPIXEL, self.max_pixels / MEGAPIXEL
        return f"{over:.1f} megapixels, over the limit of {limit:g}"
