"""The JSON messages of the image stream."""

from typing import Literal

from pydantic import BaseModel, Field

from schemas.batches import PipelineRequest
from schemas.problems import Problem
from schemas.results import Warning

Reply = Literal["image", "ack"]

_LINE = 76
"""Characters, where base64 is written as MIME does (RFC 2045)."""

_ROOM = 4096
"""For what may stand before the base64: a data URL's media type with its parameters."""


class StreamRequest(PipelineRequest):
    """What is to be done to the images that follow, and how they are answered."""

    reply: Reply | None = Field(
        None,
        description="image: by the result; ack: by an acknowledgement. By default binary messages "
        "are answered by the result, and text messages by an acknowledgement.",
    )


class SettingsAnswer(BaseModel):
    """A StreamRequest was taken over."""

    type: Literal["settings"] = "settings"
    operations: list[str] = Field(description="In text form, those of a recipe included.")
    reply: Reply | None
    warnings: list[Warning] = Field(description="Operations that were left out.")


class Acknowledgement(BaseModel):
    """An image was processed. `width` and `height` are those of the first result."""

    type: Literal["ack"] = "ack"
    index: int = Field(description="Number of the image in this connection, from 0.")
    width: int
    height: int
    bytes: int = Field(description="Of all results together.")
    milliseconds: float = Field(description="From the whole message to the result.")
    count: int = Field(1, description="How many results there are: several after a split.")
    skipped: int = Field(0, description="Operations that were left out.")


class ImagesAnswer(BaseModel):
    """An image became several: as many messages follow, one each."""

    type: Literal["images"] = "images"
    index: int
    count: int


class ErrorAnswer(BaseModel):
    """An image failed, or, without an index, a StreamRequest was wrong. The stream goes on."""

    type: Literal["error"] = "error"
    index: int | None
    problem: Problem


def text_limit(image_bytes: int) -> int:
    """The length of an image of so many bytes in base64, in lines, with a data URL's head."""
    length = -(-image_bytes // 3) * 4
    return length + 2 * (length // _LINE + 1) + _ROOM
