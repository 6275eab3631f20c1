"""One image in, its results out, nothing on disk."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from processors.probing import probe
from schemas.process import ProcessQuery, ProcessRequest
from service.answers import RESPONSES, image_response
from service.dependencies import ServicesDependency
from service.engine.base import WorkItem
from service.negotiation import accepted, negotiated
from service.options import process_request
from service.recipes import resolved
from service.transfer import MemoryFile, MemorySink, MemorySource
from service.uploads import BINARY, receive, upload_body

router = APIRouter(prefix="/v1", tags=["process"])

_BODY = upload_body(
    raw=True,
    file=BINARY["schema"],
    operations={
        "type": "string",
        "description": "One in text form, repeated for several; or a JSON array of operations, as "
        "in a batch.",
        "examples": ["resize=0.5"],
    },
)


@router.post(
    "/process",
    summary="Process one image",
    response_class=Response,
    responses=RESPONSES,
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
        request = await resolved(process_request(query, upload.options), services.store.recipes)
        services.check_counts((), request.operations)
        if request.automatic:
            request = await _negotiated(request, http, source)
        pipeline = request.pipeline()
        item = WorkItem(0, MemorySource(source.path), MemorySink(sink.path))
        result = await services.dispatcher.run_one(pipeline, item)
        if result.error is not None:
            raise result.error
        response = await image_response(result, sink, upload.name, len(request.skipped))
        if request.automatic:
            response.headers.add_vary_header("Accept")
        return response


async def _negotiated(request: ProcessRequest, http: Request, source: MemoryFile) -> ProcessRequest:
    """The request with the format that the client likes best. Raises an ImageError."""
    data = await asyncio.to_thread(Path(source.path).read_bytes)
    return request.written_as(negotiated(accepted(http), probe(data)))
