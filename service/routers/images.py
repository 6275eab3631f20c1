"""The library: query, look at, process, add, remove."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from processors.formats import FORMAT_TRAITS
from processors.plan import Pipeline
from processors.probing import probe
from schemas.library import ImagePage, ImageQuery, LibraryImage, ScanReport, SimilarImage
from schemas.process import ProcessQuery
from service.answers import RESPONSES, image_response
from service.dependencies import ServicesDependency
from service.engine.base import WorkItem
from service.errors import InvalidRequest
from service.library.content import etag_of, matches
from service.negotiation import accepted, negotiated
from service.options import process_request
from service.recipes import resolved
from service.services import Services
from service.storage import SourceNotFound
from service.transfer import MemoryFile, MemorySink
from service.uploads import BINARY, receive, upload_body
from service.version import VERSION

Id = Annotated[str, Path(openapi_examples={"cyclo1.jpg": {"value": "1b1ad25c809d72a6"}})]

router = APIRouter(prefix="/v1/images", tags=["library"])

_FRESH = "private, no-cache"
"""Kept by the client, which asks whether it has changed: that costs no image work."""

_UPLOAD = upload_body(raw=True, file=BINARY["schema"])


@router.get("", summary="Query the library")
async def list_images(
    query: Annotated[ImageQuery, Query()], services: ServicesDependency
) -> ImagePage:
    """By dimensions, format and name; in pages, each of which names the next."""
    return await services.store.images.page(query)


@router.post("/scan", summary="Bring the index up to date")
async def scan_images(services: ServicesDependency) -> ScanReport:
    """Files that are new or changed are read; those that are gone are forgotten."""
    return await services.library.scan()


@router.post("", status_code=201, summary="Add an image", openapi_extra=_UPLOAD)
async def add_image(
    http: Request,
    response: Response,
    services: ServicesDependency,
    name: Annotated[
        str | None, Query(max_length=255, description="By default that of the upload.")
    ] = None,
) -> LibraryImage:
    """The image as the raw body, or as the form's `file`. No file is ever overwritten."""
    with MemoryFile() as held:
        upload = await receive(http, held, services.limits.max_bytes)
        if upload.options:
            faults = [
                (f"/{field}", "unknown key: the name goes into the query")
                for field in upload.options
            ]
            raise InvalidRequest("the form has fields that are not known", faults)
        wanted = name or upload.name or "image"
        image = await services.library.add(wanted, held)
    response.headers["Location"] = f"/v1/images/{image.id}"
    return image


@router.get("/{id}", summary="One image")
async def get_image(id: Id, services: ServicesDependency) -> LibraryImage:
    return await services.store.images.get(id)


@router.delete("/{id}", status_code=204, summary="Remove an image and its file")
async def delete_image(id: Id, services: ServicesDependency) -> None:
    await services.library.remove(id)


@router.get("/{id}/similar", summary="Images that look alike")
async def similar_images(
    id: Id,
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    distance: Annotated[
        int, Query(ge=0, le=64, description="Bits of the perceptual hash that may differ.")
    ] = 10,
) -> list[SimilarImage]:
    """Nearest first."""
    return await services.library.similar(id, limit, distance)


@router.get(
    "/{id}/content",
    summary="One image, processed on the fly",
    response_class=Response,
    responses=RESPONSES,
)
async def get_content(
    id: Id,
    http: Request,
    query: Annotated[ProcessQuery, Query()],
    services: ServicesDependency,
) -> Response:
    """Without operations and options, the file as it is.

    The `ETag` is known before anything is processed: a client that has it gets a 304.
    """
    image = await services.store.images.get(id)
    request = await resolved(process_request(query, {}), services.store.recipes)
    services.check_counts((), request.operations)
    try:
        file = await asyncio.to_thread(services.library.folder.file, image.path)
    except OSError:
        raise SourceNotFound(f"the file of the image {id} is gone: scan the library") from None
    source = services.library.folder.source(image.path)
    if request.automatic:
        header = await asyncio.to_thread(lambda: probe(source.read(services.storage)))
        request = request.written_as(negotiated(accepted(http), header))
    pipeline = request.pipeline()
    etag = await asyncio.to_thread(etag_of, file, pipeline, services.storage, VERSION)
    headers = {"ETag": etag, "Cache-Control": _FRESH, "Vary": "Accept"}
    if matches(http.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    if query.model_fields_set:
        answer = await _processed(image, pipeline, services, len(request.skipped))
    else:
        data = await asyncio.to_thread(source.read, services.storage)
        answer = Response(data, media_type=FORMAT_TRAITS[image.format].media_type)
    answer.headers.update(headers)
    return answer


async def _processed(
    image: LibraryImage, pipeline: Pipeline, services: Services, skipped: int
) -> Response:
    with MemoryFile() as sink:
        source = services.library.folder.source(image.path)
        item = WorkItem(0, source, MemorySink(sink.path))
        result = await services.dispatcher.run_one(pipeline, item)
        if result.error is not None:
            raise result.error
        return await image_response(result, sink, image.path, skipped)
