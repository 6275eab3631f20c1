"""The messages of the framed protocol, as docs/ingest.md specifies them."""

import json
import struct
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from schemas.problems import Problem
from service.cli.ingesting.link import Link
from service.cli.server import ServerLost

OPENING = b"DRKM\x01"
"""Magic and version, which the client sends first."""

_LENGTHS = struct.Struct(">II")
_MOST_HEADER = 64 * 1024


class Limits(BaseModel):
    """What one connection may bring; None where the server does not say."""

    images: int | None = Field(None, ge=1)
    image_bytes: int | None = Field(None, ge=1)


class Ready(BaseModel):
    type: Literal["ready"]
    connection: str
    limits: Limits


class Result(BaseModel):
    type: Literal["result"]
    name: str
    status: Literal["inserted", "existing", "failed"]
    error: Problem | None = None


class Summary(BaseModel):
    type: Literal["summary"]


class Error(BaseModel):
    type: Literal["error"]
    problem: Problem


Message = Ready | Result | Summary | Error
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def message(header: dict[str, str], body: bytes = b"") -> tuple[bytes, bytes]:
    """What is sent for it: lengths and header, and the body."""
    encoded = json.dumps(header).encode()
    return _LENGTHS.pack(len(encoded), len(body)) + encoded, body


async def receive(link: Link) -> Message:
    """The server's next message. Raises ServerLost when it closes, or speaks something else."""
    header, body = _LENGTHS.unpack(await link.exactly(_LENGTHS.size))
    if header > _MOST_HEADER or body:
        raise stranger()
    try:
        return _MESSAGE.validate_json(await link.exactly(header))
    except ValidationError:
        raise stranger() from None


def stranger() -> ServerLost:
    """The error for a server that does not keep to the protocol."""
    return ServerLost("the server does not keep to the framed protocol")
