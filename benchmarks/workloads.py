"""What is measured: the work on one image, stated so that every contestant can do it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

_REDUCTIONS = (8, 4, 2)


class Picture(NamedTuple):
    """A JPEG on disk and its size in pixels."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True)
class Inputs:
    """The images that the workloads run on."""

    small: list[Picture]
    large: list[Picture]


class Job(NamedTuple):
    """One image to be made: a line of the list that a runner gets.

    `reduction` is the largest of 1, 2, 4, 8 at which a JPEG can be decoded, if it divides the sides
    and leaves the image no smaller than the result.
    """

    input: str
    output: str
    width: int
    height: int
    reduction: int


@dataclass(frozen=True)
class Workload:
    """`width` None halves both sides. `blur` is the kernel's side and its sigma, or None."""

    name: str
    title: str
    inputs: Literal["small", "large"]
    width: int | None
    quality: int
    blur: tuple[int, float] | None = None

    @property
    def operations(self) -> list[dict[str, Any]]:
        """The same for Darkroom."""
        resize = {"op": "resize", "factor": 0.5}
        if self.width is not None:
            resize = {"op": "resize", "width": self.width}
        if self.blur is None:
            return [resize]
        return [resize, {"op": "blur", "kernel_size": self.blur[0], "sigma": self.blur[1]}]

    def target(self, picture: Picture) -> tuple[int, int]:
        """Width and height of the result."""
        if self.width is None:
            return picture.width // 2, picture.height // 2
        return self.width, max(1, round(picture.height * self.width / picture.width))

    def job(self, picture: Picture, output: Path) -> Job:
        width, height = self.target(picture)
        return Job(str(picture.path), str(output), width, height, self._reduction(picture))

    def _reduction(self, picture: Picture) -> int:
        sides = tuple(zip(picture[1:], self.target(picture), strict=True))
        for reduction in _REDUCTIONS:
            if all(side % reduction == 0 and side // reduction >= wanted for side, wanted in sides):
                return reduction
        return 1


@dataclass(frozen=True)
class Work:
    """A workload over `count` images: the inputs in turn, each result a file of its own."""

    workload: Workload
    pictures: list[Picture]
    count: int
    folder: Path

    def jobs(self) -> list[Job]:
        pictures = self.pictures
        return [
            self.workload.job(pictures[index % len(pictures)], self.output(index))
            for index in range(self.count)
        ]

    def output(self, index: int) -> Path:
        return self.folder / f"{index}.jpg"


WORKLOADS = (
    Workload(
        "halve", "768x512 JPEG: halve, blur(5, sigma 4), quality 90", "small", None, 90, (5, 4.0)
    ),
    Workload("small", "768x512 JPEG to 400 pixels wide, quality 80", "small", 400, 80),
    Workload("large", "8 to 15 megapixel JPEG to 400 pixels wide, quality 80", "large", 400, 80),
)
