"""What an image is, and what is in it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from processors.inspection import Inspection, Report
from processors.inspection.report import EXAMPLE
from schemas.batches import MAX_PATH
from service.dependencies import ServicesDependency
from service.engine.base import WorkItem
from service.errors import InvalidRequest
from service.services import Services
from service.transfer import FileSource, MemoryFile, MemorySink, MemorySource, Source
from service.uploads import BINARY, receive, upload_body

router = APIRouter(prefix="/v1", tags=["inspect"])

_BODY = upload_body(raw=True, file=BINARY["schema"])


@router.post("/inspect", summary="Inspect one image", response_model=Report, openapi_extra=_BODY)
async def inspect_upload(http: Request, services: ServicesDependency) -> Response:
    """Facts, metadata, statistics and colours of the raw body, or of the form's `file`."""
    with MemoryFile() as source:
        upload = await receive(http, source, services.limits.max_bytes)
        if upload.options:
            detail = "is not known: the form has the field `file` alone"
            faults = [(f"/{name}", detail) for name in sorted(upload.options)]
            raise InvalidRequest("the form has fields that are not known", faults)
        return await _inspected(services, MemorySource(source.path))


@router.get("/inspect", summary="Inspect an image on the server", response_model=Report)
async def inspect_file(
    path: Annotated[
        str,
        Query(
            max_length=MAX_PATH,
            description="A file below DARKROOM_READ_ROOTS.",
            openapi_examples={"a sample": {"value": EXAMPLE}},
        ),
    ],
    services: ServicesDependency,
) -> Response:
    """As with POST, of a file that the server reads from its disk."""
    return await _inspected(services, FileSource(path))


async def _inspected(services: Services, source: Source) -> Response:
    with MemoryFile() as sink:
        item = WorkItem(0, source, MemorySink(sink.path))
        result = await services.dispatcher.run_one(Inspection(), item)
        if result.error is not None:
            raise result.error
        report = sink.read(0, result.outputs[0].bytes)
    return Response(report, media_type="application/json")
