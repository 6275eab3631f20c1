"""The options of a single image: in the query, in a form, or as a whole."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from processors.encoding import EncodeOptions, by_extension
from processors.plan import Fidelity, OnInvalid
from processors.probing import ImageFormat
from schemas.batches import MAX_PATH, PipelineRequest

AUTO = "auto"


class ProcessQuery(EncodeOptions):
    """The options as query parameters: those of `encode` stand beside the others."""

    format: Annotated[Literal[ImageFormat, "auto"], BeforeValidator(by_extension)] | None = Field(  # type: ignore[assignment]
        None,
        description="Format of the result; by default that of the input. auto: AVIF or WebP when "
        "the Accept header names them, otherwise the input's, or JPEG, or PNG when it has alpha.",
    )
    operations: list[str] = Field(
        default_factory=list,
        description="In text form; repeat the parameter for several.",
        examples=[["resize=0.5", "blur=5"]],
    )
    recipe: str | None = Field(
        None, max_length=MAX_PATH, description="Name of a stored recipe, in place of operations."
    )
    fidelity: Fidelity = "fast"
    on_invalid: OnInvalid = "fail"


class ProcessRequest(PipelineRequest):
    """What is to be done to one image."""

    _automatic: bool = False

    @property
    def automatic(self) -> bool:
        """Whether the format is still to be chosen, by what the client accepts."""
        return self._automatic

    @classmethod
    def merged(cls, query: ProcessQuery, form: dict[str, Any]) -> Self:
        """From the query and the fields of a form, which win. Raises ValidationError."""
        options = query.model_dump(exclude_unset=True) | form
        flat = {name: options.pop(name) for name in EncodeOptions.model_fields if name in options}
        encode = options.pop("encode", {})
        encode = encode | flat if isinstance(encode, dict) else encode
        automatic = isinstance(encode, dict) and encode.get("format") == AUTO
        request = cls.model_validate(
            {**options, "encode": encode | {"format": None} if automatic else encode}
        )
        request._automatic = automatic
        return request

    def written_as(self, format: ImageFormat) -> Self:
        """The same request, with its results in that format."""
        encode = self.encode.model_copy(update={"format": format})
        return self.model_copy(update={"encode": encode})
