"""The base class of all operations, and the few types that they share.

An operation is a frozen pydantic model: its fields are its parameters, `apply` is its OpenCV
code. Validation, the JSON Schema, the text form, the reference page, the command line's help and
the planner's hints all derive from the class.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from processors.errors import InvalidArguments, Problem, StepFailed
from processors.text import format_arguments, parse_arguments

Image = NDArray[np.uint8] | NDArray[np.uint16]
"""(H, W) gray, (H, W, 3) BGR or (H, W, 4) BGRA; uint8 or uint16, full range; alpha straight."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def size_of(image: Image) -> Size:
    return Size(image.shape[1], image.shape[0])


def channels_of(image: Image) -> int:
    return image.shape[2] if image.ndim == 3 else 1


def plain_message(error: ErrorDetails) -> str:
    """pydantic's sentence, without the words that it puts before ours."""
    return error["msg"].removeprefix("Value error, ")


class Step(Protocol):
    """What the pipeline runs and the planner rearranges: an operation, or a planned form of one."""

    @property
    def op(self) -> str: ...
    @property
    def predictable(self) -> bool: ...
    def produce(self, image: Image) -> list[Image]: ...
    def output_sizes(self, size: Size) -> list[Size]: ...
    def output_channels(self, channels: int) -> int: ...
    def is_identity(self, size: Size) -> bool: ...
    def describe(self) -> str: ...


class StepDefaults:
    """The answers that hold for a step that keeps size and channels, one image in, one out."""

    op: str

    predictable: ClassVar[bool] = True
    """Whether sizes follow from sizes; if not, `output_sizes` gives the largest that it makes."""

    @property
    def resources(self) -> tuple[str, ...]:
        """The paths of the images that it reads beside its input."""
        return ()

    def apply(self, image: Image) -> Image:
        """The processed image, of the sizes that `output_sizes` predicts; `image` is left as is.

        Raises StepFailed when the operation has no meaning for this image.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither apply nor produce")

    def produce(self, image: Image) -> list[Image]:
        """The images that `image` becomes; one, save for operations that split."""
        return [self.apply(image)]

    def output_size(self, size: Size) -> Size:
        """The exact size of the result for an image of `size`. Raises StepFailed as `apply`."""
        return size

    def output_sizes(self, size: Size) -> list[Size]:
        """The sizes of the images of `produce`, in their order."""
        return [self.output_size(size)]

    def output_channels(self, channels: int) -> int:
        """1, 3 or 4, for an image of `channels`."""
        return channels

    def is_identity(self, size: Size) -> bool:
        """Whether every image of `size` comes out as it went in, pixel by pixel."""
        return False

    def describe(self) -> str:
        """What a plan shows for this step."""
        return self.op

    def fail(self, detail: str) -> StepFailed:
        return StepFailed(self.op, detail)


class Operation(StepDefaults, BaseModel):
    """Base of all operations. A subclass has a docstring, fields with descriptions, and `apply`.

    Class-level declarations:
        aliases         other names of the same operation
        example         a use of it in text form, which works as it stands
        units           what the numbers of a parameter are: "px", "°" or "%"; lengths in "px" are
                        scaled where a smaller copy of an image stands for it
        channelwise     it treats every channel alike, so that turning gray first changes nothing
                        but rounding
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)

    op: str
    aliases: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str]
    units: ClassVar[Mapping[str, str]] = MappingProxyType({})
    channelwise: ClassVar[bool] = False

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        properties = handler.resolve_ref_schema(described)["properties"]
        for parameter, unit in cls.units.items():
            properties[parameter]["unit"] = unit
        return described

    @classmethod
    def name(cls) -> str:
        return str(cls.model_fields["op"].default)

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """The names of the parameters, in the order in which text gives them by position."""
        return tuple(field for field in cls.model_fields if field != "op")

    @classmethod
    def parse_text(cls, arguments: str | None) -> dict[str, Any]:
        """The parameters that `arguments`, the text behind `name=`, stand for, not yet validated.

        Raises InvalidArguments when the text cannot be read.
        """
        return parse_arguments(cls.name(), cls.parameters(), arguments)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> Self:
        """The operation with these parameters. Raises InvalidArguments."""
        try:
            return cls.model_validate(arguments)
        except ValidationError as error:
            problems = (Problem(item["loc"], plain_message(item)) for item in error.errors())
            raise InvalidArguments(cls.name(), *problems) from None

    def text(self) -> str:
        """The text form; reading it gives an equal operation."""
        values = self.model_dump(mode="json", exclude={"op"})
        fields = type(self).model_fields
        changed = {name for name in values if getattr(self, name) != fields[name].default}
        return format_arguments(self.op, values, changed)

    def describe(self) -> str:
        return self.text()
