"""Operations as requests write them: a union built from the catalogue."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from processors.errors import InvalidArguments, OperationError
from processors.operation import Operation, plain_message
from processors.registry import registry

TEXT_SCHEMA_EXAMPLES = ["resize=0.5", "crop=10,20,300,200"]


def _arguments(value: object) -> dict[str, Any]:
    """Text and aliases to what the union reads."""
    try:
        return registry().arguments(value)
    except InvalidArguments as error:
        raise PydanticCustomError("operation", "{detail}", {"detail": str(error)}) from None
    except OperationError as error:
        raise PydanticCustomError("unknown_operation", "{detail}", {"detail": str(error)}) from None


if TYPE_CHECKING:
    AnyOperation = Operation
else:
    AnyOperation = Annotated[reduce(or_, registry()), Field(discriminator="op")]
OperationText = Annotated[
    str,
    Field(
        description="An operation as text: name, name=value,value,key=value, or name={JSON}.",
        examples=TEXT_SCHEMA_EXAMPLES,
    ),
]
OperationInput = Annotated[
    AnyOperation,
    BeforeValidator(_arguments, json_schema_input_type=OperationText | AnyOperation),
]

_adapter: TypeAdapter[Operation] = TypeAdapter(OperationInput)


class SkippedOperation(NamedTuple):
    """An operation of a request that was left out: where it is there, and why.

    `variant` is the number of the variant whose own it is.
    """

    at: int
    detail: str
    variant: int | None = None

    @property
    def pointer(self) -> str:
        """The JSON pointer to it."""
        whose = "" if self.variant is None else f"/variants/{self.variant}"
        return f"{whose}/operations/{self.at}"


def keep_valid(raw: list[Any]) -> tuple[list[tuple[int, Operation]], list[SkippedOperation]]:
    """The lenient reading, `on_invalid: "skip"`: what is right with its index, and the rest."""
    kept: list[tuple[int, Operation]] = []
    skipped: list[SkippedOperation] = []
    for index, value in enumerate(raw):
        try:
            kept.append((index, _adapter.validate_python(value)))
        except ValidationError as error:
            detail = "; ".join(_sentence(item) for item in error.errors())
            skipped.append(SkippedOperation(index, detail))
    return kept, skipped


def _sentence(item: ErrorDetails) -> str:
    """What is wrong, with the parameter's name behind which the union's member stands."""
    _, *field = item["loc"] or ("",)
    return ": ".join((*map(str, field), plain_message(item)))


class OperationDescription(BaseModel):
    """An operation of the catalogue."""

    name: str
    family: str
    summary: str
    description: str
    aliases: list[str]
    text_form: str = Field(description="Its parameters in the order in which text gives them.")
    example: str = Field(description="A use of it that works as it stands.")
    example_parameters: dict[str, Any] = Field(description="What the example sets.")
    parameters: dict[str, Any] = Field(description="JSON Schema of the object form.")


def describe(operation: type[Operation]) -> OperationDescription:
    """The catalogue's entry for an operation."""
    names = ",".join(operation.parameters())
    return OperationDescription(
        name=operation.name(),
        family=registry().family(operation),
        summary=operation.summary(),
        description=" ".join((operation.__doc__ or "").split()),
        aliases=list(operation.aliases),
        text_form=f"{operation.name()}={names}" if names else operation.name(),
        example=operation.example,
        example_parameters=_set_by(operation),
        parameters=operation.model_json_schema(),
    )


def _set_by(operation: type[Operation]) -> dict[str, Any]:
    example = registry().parse(operation.example)
    return example.model_dump(mode="json", exclude_defaults=True)
