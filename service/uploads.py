"""The image and the options of a request that carries an image."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import Message

from processors.errors import ImageTooLarge
from service.errors import InvalidRequest, MalformedRequest
from service.transfer import MemoryFile

_CHUNK = 1024 * 1024
_MAX_FIELDS = 20
_MAX_FIELD_BYTES = 1024 * 1024
_TAIL_BYTES = 4096
"""Room for the last boundary, and for what some clients write behind it."""

FILE_FIELD = "file"
FILES_FIELD = "files"
_TOO_MANY = "Too many files"  # Starlette's words
_JSON_FIELDS = {"operations", "encode"}


BINARY = {"schema": {"type": "string", "format": "binary"}}


def upload_body(*, raw: bool, **properties: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a form whose first field is required, or of the image as it is."""
    form = {"type": "object", "required": [*properties][:1], "properties": properties}
    images = {"image/*": BINARY, "application/octet-stream": BINARY} if raw else {}
    content = {"multipart/form-data": {"schema": form}, **images}
    return {"requestBody": {"required": True, "content": content}}


@dataclass
class Upload:
    """What came with the image: its name, if it has one, and the options of the form."""

    name: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A file of a request: its name, and where it lies in the request's MemoryFile."""

    name: str
    offset: int
    count: int


async def receive(request: Request, into: MemoryFile, limit: int) -> Upload:
    """Store the image of the request in `into`: the raw body, or the form's `file`.

    Raises ImageTooLarge for more than `limit` bytes, MalformedRequest and InvalidRequest.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"us-ascii"):
            raise MalformedRequest("the form's charset has to be utf-8")
        return await _receive_form(request, into, limit)
    if not await _store(request.stream(), into, limit):
        detail = "the body is empty: send the image as it is, or as the form's field `file`"
        raise MalformedRequest(detail)
    return Upload()


async def receive_files(
    request: Request,
    into: MemoryFile,
    limit: int,
    most: int,
    check: Callable[[FormData], None] = lambda _: None,
) -> list[Received]:
    """Store the form's `files` in `into`, one behind the other; `limit` is for each, in bytes.

    `check` sees the form before. Raises ImageTooLarge, MalformedRequest, what `check` raises, and
    InvalidRequest for no file, or more than `most`.
    """
    found: list[Received] = []
    async with _form(request, most) as form:
        check(form)
        for file in form.getlist(FILES_FIELD):
            if isinstance(file, UploadFile):
                offset = sum(one.count for one in found)
                count = await _store(_chunks(file), into, limit)
                if not file.filename and not count:
                    continue  # what browsers send when nothing was chosen
                found.append(Received(file.filename or "", offset, count))
    if not found:
        detail = "the form has no files in its field `files`"
        raise InvalidRequest(detail, [("/files", "is required")])
    return found


@asynccontextmanager
async def _form(request: Request, most: int) -> AsyncIterator[FormData]:
    """The form of a request, with `most` files. Raises MalformedRequest."""
    try:
        async with Request(request.scope, _Tail(request).receive).form(
            max_files=most, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
        ) as form:
            yield form
    except HTTPException as error:
        if most > 1 and error.detail.startswith(_TOO_MANY):
            detail = f"more than {most} files (DARKROOM_MAX_FILES)"
            raise InvalidRequest(detail, [("/files", detail)]) from None
        raise MalformedRequest(f"the form cannot be read: {error.detail}") from None


class _Tail:
    """The end of a form's body: the parser says nothing when a file is cut off there."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        self._closing = b"--" + options.get(b"boundary", b"") + b"--"
        self._multipart = kind == b"multipart/form-data"
        self._end = b""

    async def receive(self) -> Message:
        """Raises what the parser closes its files for, when the last boundary is missing."""
        message = await self._receive()
        self._end = (self._end + message.get("body", b""))[-_TAIL_BYTES:]
        ended = message["type"] == "http.request" and not message.get("more_body", False)
        if ended and self._multipart and self._closing not in self._end:
            raise MultiPartException("it ends early, without its last boundary")
        return message


async def _receive_form(request: Request, into: MemoryFile, limit: int) -> Upload:
    async with _form(request, most=1) as form:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            detail = "the form has no file in its field `file`"
            raise InvalidRequest(detail, [("/file", "is required")])
        await _store(_chunks(file), into, limit)
        return Upload(file.filename, _options(form))


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK):
        yield chunk


async def _store(chunks: AsyncIterator[bytes], into: MemoryFile, limit: int) -> int:
    stored = 0
    async for chunk in chunks:
        stored += len(chunk)
        if stored > limit:
            detail = f"the image has more than {limit} bytes, the limit (DARKROOM_MAX_IMAGE_BYTES)"
            raise ImageTooLarge(detail)
        into.write(chunk)
    return stored


def _options(form: FormData) -> dict[str, Any]:
    """The options of the form's text fields."""
    names = {name for name, value in form.multi_items() if isinstance(value, str)}
    return {name: _option(name, form) for name in names}


def _option(name: str, form: FormData) -> Any:
    values = [value for value in form.getlist(name) if isinstance(value, str)]
    if name in _JSON_FIELDS and values[0].lstrip().startswith(("[", "{")):
        try:
            return json.loads(values[0])
        except (ValueError, RecursionError) as error:
            detail = f"is not JSON: {error}"
            raise InvalidRequest(f"{name} {detail}", [(f"/{name}", detail)]) from None
    return values if name == "operations" else values[-1]
