"""Requests and responses of batches."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    UrlConstraints,
    field_validator,
    model_validator,
)

from processors.encoding import EncodeOptions
from processors.plan import Fidelity, OnInvalid, Pipeline
from schemas.operations import OperationInput, SkippedOperation
from schemas.raw_requests import (
    MOST_OPERATIONS,
    is_lenient,
    own_within_limits,
    valid_operations,
)
from schemas.results import ImageResult, Warning

EXAMPLE: dict[str, Any] = {
    "images": [
        {"input": "testimages/cyclo1.jpg", "output": "output/cyclo1_small.webp"},
        {"input": "testimages/cyclo2.jpg", "output": "output/cyclo2_small.webp"},
    ],
    "operations": ["resize=0.5", {"op": "blur", "kernel_size": 3}],
    "encode": {"quality": 80},
}
PATTERN_EXAMPLE: dict[str, Any] = {
    "images": [{"input": "testimages/*.jpg"}],
    "variants": [
        {"output": "output/{stem}_{width}.webp", "operations": ["resize=800x"]},
        {"output": "output/{stem}_thumb.jpg", "operations": ["thumbnail=200"]},
    ],
    "skip_unchanged": True,
}

MAX_PATH = 4096
MAX_URL = 2000
MOST_IMAGES, MOST_VARIANTS = 100_000, 20
"""Whatever the settings allow: what is more is refused before it is looked at."""


class VariantRequest(BaseModel):
    """One of several results of an image."""

    model_config = ConfigDict(extra="forbid")

    output: str = Field(
        max_length=MAX_PATH,
        description="Path. It is a template where many images share it: in `variants` of the "
        "batch, and beside an input that is a pattern.",
    )
    operations: list[OperationInput] = Field(
        default_factory=list,
        max_length=MOST_OPERATIONS,
        description="Applied behind those of the batch, which are done once for all variants.",
    )
    encode: EncodeOptions = Field(
        default_factory=EncodeOptions,
        description="What it sets goes before what the batch says.",
    )

    _positions: tuple[int, ...] | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """Where each of `operations` was in the request."""
        return _counted(self.operations) if self._positions is None else self._positions

    def as_asked(self) -> dict[str, Any]:
        """Itself as JSON, in which only those encode options stand that were set.

        An operation that was left out is null, so that it is left out again, and the others keep
        their positions.
        """
        asked = self.model_dump(mode="json", exclude={"encode"})
        placed = dict(zip(self.positions, asked["operations"], strict=True))
        asked["operations"] = [placed.get(at) for at in range(max(placed, default=-1) + 1)]
        return asked | {"encode": self.encode.model_dump(mode="json", exclude_unset=True)}


@dataclass(frozen=True, slots=True)
class ImagePair:
    """One image of a batch, or all that match a pattern.

    Relative paths start at the working directory; a URL of an object store, or of an image on the
    web, is a path, too. An input with `*`, `**`, `?` or `[...]` that is
    no file itself is a pattern, and its outputs are templates. `variants` stand in place of those
    of the batch.

    A dataclass with slots, as a request has ten thousand of them.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_max_length=MAX_PATH)

    input: str
    output: str | None = None
    variants: (
        Annotated[list[VariantRequest], Field(min_length=1, max_length=MOST_VARIANTS)] | None
    ) = None


class PipelineRequest(BaseModel):
    """What is to be done to each image; the common part of requests."""

    model_config = ConfigDict(extra="forbid")

    on_invalid: OnInvalid = Field(
        "fail",
        description="fail: an operation that is wrong fails the request, one that does not fit an "
        "image fails that image, and so does an unreadable input; skip: each is left out.",
    )
    recipe: str | None = Field(
        None,
        max_length=MAX_PATH,
        description="Name of a stored recipe, which stands for the operations; `name@2` is one of "
        "its versions. What the request says itself beside it goes before what the recipe says.",
    )
    operations: list[OperationInput] = Field(
        default_factory=list,
        max_length=MOST_OPERATIONS,
        description="Applied in order, each to the result of the one before.",
    )
    encode: EncodeOptions = Field(default_factory=EncodeOptions)
    fidelity: Fidelity = Field(
        "fast",
        description="fast: decode at reduced size and in gray where that suffices, and shrink in "
        "two steps; exact: every pixel as plain OpenCV computes it.",
    )

    _positions: tuple[int, ...] | None = None
    _skipped: tuple[SkippedOperation, ...] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _leave_out_invalid(cls, data: Any, handler: Any) -> Self:
        """Read `operations` leniently when `on_invalid` is skip; remember what was left out."""
        if not is_lenient(data):
            return handler(data)  # type: ignore[no-any-return]
        data, kept, skipped = valid_operations(data)
        request: Self = handler(data)
        request._positions = tuple(kept)
        request._skipped = tuple(skipped)
        return request

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.recipe is not None and self.operations:
            raise ValueError("give operations, or a recipe that stands for them, not both")
        return self

    def standing_for(self, recipe: "PipelineRequest") -> Self:
        """This request, with what `recipe` says wherever this says nothing itself."""
        names = {"operations", "fidelity", "on_invalid"} - self.model_fields_set
        encode = self.encode.model_dump(exclude_unset=True)
        changed = {name: getattr(recipe, name) for name in names}
        changed |= {"operations": recipe.operations, "recipe": None}
        changed["encode"] = recipe.encode.model_copy(update=encode)
        request = self.model_copy(update=changed)
        request._positions = recipe._positions
        own = tuple(skipped for skipped in self._skipped if skipped.variant is not None)
        request._skipped = recipe._skipped + own
        return request

    @property
    def skipped(self) -> tuple[SkippedOperation, ...]:
        """The operations that `on_invalid: "skip"` left out."""
        return self._skipped

    @property
    def positions(self) -> tuple[int, ...]:
        """Where each of `operations` was in the request."""
        return _counted(self.operations) if self._positions is None else self._positions

    def pipeline(self) -> Pipeline:
        steps = tuple(zip(self.positions, self.operations, strict=True))
        return Pipeline(steps, self.encode, self.fidelity, self.on_invalid)


def _counted(operations: Sized) -> tuple[int, ...]:
    return tuple(range(len(operations)))


class BatchRequest(PipelineRequest):
    """Images, and what is to be done to each of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE, PATTERN_EXAMPLE]})

    images: list[ImagePair] = Field(
        max_length=MOST_IMAGES, description="Inputs and outputs; each input is done alone."
    )
    variants: list[VariantRequest] = Field(
        default_factory=list,
        max_length=MOST_VARIANTS,
        description="Several results of each image, which is decoded once. Their outputs are "
        "templates.",
    )
    skip_unchanged: bool = Field(
        False,
        description="Skip an image whose outputs are still there, as they were made from the same "
        "bytes by the same operations, options and version of the service.",
    )
    webhook: Annotated[HttpUrl, UrlConstraints(max_length=MAX_URL)] | None = Field(
        None, description="URL that gets the job by POST when it has ended; for jobs only."
    )

    _own_within_limits = field_validator("images", mode="before")(own_within_limits)

    @model_validator(mode="wrap")
    @classmethod
    def _leave_out_invalid_of_variants(cls, data: Any, handler: Any) -> Self:
        """The same for those of `variants`; in images' own variants a wrong one is an error."""
        raw = data.get("variants") if is_lenient(data) else None
        if not isinstance(raw, list) or len(raw) > MOST_VARIANTS:
            return handler(data)  # type: ignore[no-any-return]
        read = [valid_operations(variant) for variant in raw]
        request: Self = handler({**data, "variants": [variant for variant, *_ in read]})
        for number, (variant, (_, kept, skipped)) in enumerate(
            zip(request.variants, read, strict=True)
        ):
            variant._positions = tuple(kept)
            request._skipped += tuple(one._replace(variant=number) for one in skipped)
        return request


class Counts(BaseModel):
    """Images by what became of them."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0


EndState = Literal["completed", "cancelled", "failed"]


class BatchResponse(BaseModel):
    """What became of a batch; the results are in the order of the images."""

    id: str
    state: EndState
    counts: Counts
    warnings: list[Warning] = Field(description="Operations that were left out for all images.")
    results: list[ImageResult]
