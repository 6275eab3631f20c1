"""What the messages of a stream say, from text and back."""

import base64
import binascii
import json
import re
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from processors.errors import ImageTooLarge
from processors.plan import Pipeline
from schemas.stream import Reply, SettingsAnswer, StreamRequest
from service.errors import MalformedRequest
from service.handlers import request_error
from service.views import operation_warning

MOST_JSON = 1024 * 1024
"""Characters of a JSON message: reading it takes the event loop's time."""

_DATA_URL = re.compile(r"\s*data:[^,]{0,200};base64,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An image as it came. `text`: in base64; `url`: behind the head of a data URL."""

    data: bytes
    text: bool = False
    url: bool = False

    def answered(self, result: bytes, media_type: str) -> str | bytes:
        """A result in kind."""
        if not self.text:
            return result
        head = f"data:{media_type};base64," if self.url else ""
        return head + base64.b64encode(result).decode()


def is_settings(text: str) -> bool:
    """Whether a text message is JSON; base64 has no brace."""
    return text[:100].lstrip().startswith("{")


def stream_request(text: str) -> StreamRequest:
    """Raises MalformedRequest, and InvalidRequest with a pointer for each fault."""
    if len(text) > MOST_JSON:
        raise MalformedRequest(f"the message has more than {MOST_JSON} characters of JSON")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"the message is not JSON: {error}") from None
    try:
        return StreamRequest.model_validate(data)
    except ValidationError as error:
        findings = [{**item, "loc": ("message", *item["loc"])} for item in error.errors()]
        raise request_error(RequestValidationError(findings, body=data)) from None


def settings_answer(request: StreamRequest) -> SettingsAnswer:
    """What `request`, with its recipe resolved, comes to."""
    return SettingsAnswer(
        operations=[operation.text() for operation in request.operations],
        reply=request.reply,
        warnings=[operation_warning(each) for each in request.skipped],
    )


def from_text(text: str, limit: int) -> Incoming:
    """An image in base64, as a data URL or not, with or without white space.

    Raises MalformedRequest, and ImageTooLarge for more than `limit` bytes.
    """
    head = _DATA_URL.match(text)
    content = "".join(text[head.end() if head else 0 :].split())
    try:
        data = binascii.a2b_base64(content, strict_mode=True)
    except ValueError as error:
        detail = f"a text message is an image in base64, or JSON that begins with a brace: {error}"
        raise MalformedRequest(detail) from None
    return checked(Incoming(data, text=True, url=head is not None), limit)


def checked(image: Incoming, limit: int) -> Incoming:
    """`image`. Raises MalformedRequest for an empty one, ImageTooLarge."""
    if not image.data:
        raise MalformedRequest("the message is empty: send an image")
    if len(image.data) > limit:
        detail = f"the image has more than {limit} bytes, the limit (DARKROOM_MAX_IMAGE_BYTES)"
        raise ImageTooLarge(detail)
    return image


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for an image: the settings at the moment in which it came."""

    pipeline: Pipeline
    reply: Reply | None = None
    skipped: int = 0

    def acknowledged(self, text: bool) -> bool:
        """Whether the answer is an acknowledgement, not the image."""
        return (self.reply or ("ack" if text else "image")) == "ack"


def rules_of(request: StreamRequest) -> Rules:
    """What `request`, with its recipe resolved, comes to."""
    return Rules(request.pipeline(), request.reply, len(request.skipped))
