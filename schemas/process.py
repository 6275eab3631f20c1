"""The options of a single image: in the query, in a form, or as a whole."""

from typing import Any, Self

from pydantic import Field

from processors.encoding import EncodeOptions, OutputFormat
from processors.plan import Fidelity, OnInvalid
from schemas.batches import PipelineRequest


class ProcessQuery(EncodeOptions):
    """The options as query parameters: those of `encode` stand beside the others."""

    format: OutputFormat | None = Field(
        None, description="Format of the result; by default that of the input."
    )
    operations: list[str] = Field(
        default_factory=list,
        description="In text form; repeat the parameter for several.",
        examples=[["resize=0.5", "blur=5"]],
    )
    fidelity: Fidelity = "fast"
    on_invalid: OnInvalid = "fail"


class ProcessRequest(PipelineRequest):
    """What is to be done to one image."""

    @classmethod
    def merged(cls, query: ProcessQuery, form: dict[str, Any]) -> Self:
        """From the query and the fields of a form, which win. Raises ValidationError."""
        options = query.model_dump(exclude_unset=True) | form
        flat = {name: options.pop(name) for name in EncodeOptions.model_fields if name in options}
        encode = options.pop("encode", {})
        return cls.model_validate(
            {**options, "encode": encode | flat if isinstance(encode, dict) else encode}
        )
