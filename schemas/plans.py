"""Responses of plans."""

from typing import Any

from pydantic import BaseModel, Field

from processors.probing import ImageFormat
from schemas.problems import Problem
from schemas.results import Warning


class PlannedOperation(BaseModel):
    """A step after rewriting."""

    operation: int | None = Field(
        description="Index of the operation that asked for it; null for one that was added."
    )
    own: bool = Field(description="Whether that is one of the variant's own.")
    step: str
    sizes: list[tuple[int, int]] = Field(description="Width and height of each image after it.")
    exact: bool = Field(
        description="Whether the sizes are known; else a step depends on the pixels, and they are "
        "those that would be if it changed none."
    )


class ImagePlan(BaseModel):
    """What would happen to one image, or the error that it would meet."""

    index: int
    variant: int | None = Field(description="Its number, where the image has variants.")
    input: str
    source: dict[str, Any] | None = Field(description="What the header of the input says.")
    decode: str | None
    steps: list[PlannedOperation]
    rewrites: list[str] = Field(description="The rules that changed the plan.")
    outputs: list[str]
    format: ImageFormat | None
    peak_bytes: int | None = Field(description="Estimate of the pixels held at once.")
    error: Problem | None
    warnings: list[Warning]


class PlanResponse(BaseModel):
    """What a batch would do; nothing is decoded or written."""

    plans: list[ImagePlan]
    warnings: list[Warning]
