"""What became of an image. Dataclasses with slots: a batch makes tens of thousands of them."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from processors.pipeline import Timings
from processors.probing import ImageFormat
from schemas.problems import Problem

Status = Literal["succeeded", "failed", "skipped"]


@dataclass(slots=True)
class Output:
    """A result: where it is, its size in pixels, its length in bytes, its frames."""

    path: str
    width: int
    height: int
    bytes: int
    format: ImageFormat
    frames: int = 1


@dataclass(slots=True)
class Warning:
    """Something that `on_invalid: "skip"` left out."""

    pointer: str
    detail: str


@dataclass(slots=True)
class ImageResult:
    """What became of one image. A failed one left no output behind."""

    index: int
    input: str
    status: Status
    outputs: tuple[Output, ...] = ()
    error: Problem | None = None
    timings: Annotated[
        Timings | None, Field(description="Milliseconds in the worker; null if it failed.")
    ] = None
    warnings: Annotated[
        list[Warning], Field(description="Steps that were left out for this image.")
    ] = field(default_factory=list)
    unchanged: Annotated[
        bool, Field(description="Skipped, as its outputs are what would be made of it.")
    ] = False
