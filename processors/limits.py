"""What one image may cost. A limit is checked before the cost arises."""

from dataclasses import dataclass

from processors.errors import ImageTooLarge, StepFailed
from processors.operation import Size

MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """max_bytes: of a file; max_pixels: of an image, decoded or produced, the parts of a split
    together, over all frames of an animation; max_outputs: images that one may become; max_frames:
    of an animation."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 50 * MEGAPIXEL
    max_outputs: int = 1024
    max_frames: int = 200

    def check_bytes(self, count: int) -> None:
        """Raises ImageTooLarge."""
        if count > self.max_bytes:
            raise ImageTooLarge(f"{count} bytes is over the limit of {self.max_bytes}")

    def check_size(self, size: Size, frames: int = 1) -> None:
        """Raises ImageTooLarge."""
        if frames > self.max_frames:
            limit = f"the limit of {self.max_frames} (DARKROOM_MAX_FRAMES)"
            raise ImageTooLarge(f"{frames} frames are over {limit}")
        if size.pixels * frames > self.max_pixels:
            what = f"{frames} frames of {size} are" if frames > 1 else f"{size} is"
            raise ImageTooLarge(f"{what} {self._over(size.pixels * frames)}")

    def check_count(self, op: str, count: int) -> None:
        """Raises StepFailed when a step gives too many images."""
        if count > self.max_outputs:
            raise StepFailed(op, f"gives {count} images or more; the limit is {self.max_outputs}")

    def check_sizes(self, op: str, sizes: list[Size], frames: int = 1) -> None:
        """Raises StepFailed when what a step gives, `frames` of each of `sizes`, is too much."""
        self.check_count(op, len(sizes))
        pixels = sum(size.pixels for size in sizes) * frames
        if pixels > self.max_pixels:
            raise StepFailed(op, f"gives {self._over(pixels)}")

    def _over(self, pixels: int) -> str:
        over, limit = pixels / MEGAPIXEL, self.max_pixels / MEGAPIXEL
        return f"{over:.1f} megapixels, over the limit of {limit:g}"
