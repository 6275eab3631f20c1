"""The request of the original batch server, in its words and with its leniency."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from processors.encoding import OpenCVDefaults
from processors.plan import Pipeline
from schemas.operations import SkippedOperation, keep_valid

_NEED_AN_ARGUMENT = {"resize", "blur", "split", "splitQuadrants"}


class ItemsRequest(BaseModel):
    """Both keys may be left out; keys that are not known do not matter."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"images": [], "operations": ["string"]}]}
    )

    images: list[dict[str, Any]] = Field(
        default_factory=list, description='`{"input": path, "output": path}` for each image.'
    )
    operations: list[str] | None = Field(
        None, description='In text form: "resize=0.5", "splitQuadrants=True", "blur=25", ...'
    )

    def pairs(self) -> list[tuple[str, str]]:
        """The images that have an input and an output."""
        found = ((image.get("input"), image.get("output")) for image in self.images)
        return [(a, b) for a, b in found if isinstance(a, str) and isinstance(b, str)]

    def pipeline(self) -> tuple[Pipeline, list[SkippedOperation]]:
        """The operations that are right, with the pixels of plain OpenCV, and those left out."""
        # Elsewhere a bare `blur` takes its defaults; here its argument was missing, so: skipped.
        texts = (
            f"{text}=" if text in _NEED_AN_ARGUMENT else text for text in self.operations or ()
        )
        kept, skipped = keep_valid(list(texts))
        return Pipeline(tuple(kept), OpenCVDefaults(), "exact", "skip", "bgr"), skipped
