"""One image in, its results out, nothing on disk."""

import asyncio
import zipfile
from dataclasses import asdict
from io import BytesIO
from pathlib import PureWindowsPath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from processors.formats import FORMAT_TRAITS
from schemas.process import ProcessQuery, ProcessRequest
from service.dependencies import ServicesDependency
from service.engine.base import ItemResult, WorkItem
from service.transfer import MemoryFile, MemorySink, MemorySource
from service.uploads import Upload, receive

router = APIRouter(prefix="/v1", tags=["process"])

_NOT_IN_NAMES = frozenset('<>:"/\\|?*')
_MAX_STEM = 50

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "operations": {
                            "type": "string",
                            "description": "One in text form, repeated for several; or a "
                            "JSON array of operations, as in a batch.",
                            "examples": ["resize=0.5"],
                        },
                    },
                }
            },
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
}
_IMAGES = {traits.media_type: _BINARY for traits in FORMAT_TRAITS.values()}
_RESULTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The image; several as a ZIP.",
        "content": {**_IMAGES, "application/zip": _BINARY},
    }
}


@router.post(
    "/process",
    summary="Process one image",
    response_class=Response,
    responses=_RESULTS,
    openapi_extra=_BODY,
)
async def process_image(
    http: Request, query: Annotated[ProcessQuery, Query()], services: ServicesDependency
) -> Response:
    """The image as the raw body, or as the form's `file`; options in the query or the form.

    The headers `Darkroom-Width`, `Darkroom-Height` and `Server-Timing` tell about the result.
    """
    with MemoryFile() as source, MemoryFile() as sink:
        upload = await receive(http, source, services.limits.max_bytes)
        request = _request(query, upload.options)
        services.check_counts((), request.operations)
        pipeline = request.pipeline()
        item = WorkItem(0, MemorySource(source.path), MemorySink(sink.path))
        result = await services.dispatcher.run_one(pipeline, item)
        if result.error is not None:
            raise result.error
        return await _answer(result, sink, upload, len(request.skipped))


def _request(query: ProcessQuery, form: dict[str, Any]) -> ProcessRequest:
    try:
        return ProcessRequest.merged(query, form)
    except ValidationError as error:
        findings = [{**item, "loc": ("form", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(findings, body=query.model_dump() | form) from None


async def _answer(result: ItemResult, sink: MemoryFile, upload: Upload, skipped: int) -> Response:
    headers = _headers(result, skipped)
    if len(result.outputs) > 1:
        headers["Content-Disposition"] = 'attachment; filename="images.zip"'
        archive = await asyncio.to_thread(_archive, result, sink, upload.name)
        return Response(archive, media_type="application/zip", headers=headers)
    output = result.outputs[0]
    headers["Darkroom-Width"], headers["Darkroom-Height"] = str(output.width), str(output.height)
    media_type = FORMAT_TRAITS[output.format].media_type
    return Response(sink.read(0, output.bytes), media_type=media_type, headers=headers)


def _headers(result: ItemResult, skipped: int) -> dict[str, str]:
    """`Server-Timing` is of the W3C: milliseconds that a browser shows beside the request."""
    timings = asdict(result.timings) if result.timings else {}
    headers = {
        "Server-Timing": ", ".join(f"{stage};dur={taken}" for stage, taken in timings.items())
    }
    if left_out := skipped + len(result.skipped):
        headers["Darkroom-Skipped"] = str(left_out)
    return headers


def _archive(result: ItemResult, sink: MemoryFile, name: str | None) -> bytes:
    """The results as a ZIP, stored: images do not shrink."""
    stem = _stem(name or "") or "image"
    extension = FORMAT_TRAITS[result.outputs[0].format].extensions[0]
    archive, offset = BytesIO(), 0
    with zipfile.ZipFile(archive, "w") as file:
        for number, output in enumerate(result.outputs, start=1):
            file.writestr(f"{stem}_{number}.{extension}", sink.read(offset, output.bytes))
            offset += output.bytes
    return archive.getvalue()


def _stem(name: str) -> str:
    """The name of an upload without folders and ending, fit for any file system."""
    stem = PureWindowsPath(name).stem  # knows both kinds of slashes
    return "".join(
        char if char.isprintable() and char not in _NOT_IN_NAMES else "_"
        for char in stem[:_MAX_STEM]
    )
