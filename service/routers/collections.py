"""Collections of small images, normalised alike."""

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from processors.formats import FORMAT_TRAITS
from processors.probing import sniff
from schemas.collections import (
    Added,
    Collection,
    CollectionImage,
    CollectionPage,
    CollectionPipeline,
)
from service import archives, normalising
from service.dependencies import ServicesDependency
from service.library.content import matches
from service.transfer import MemoryFile
from service.uploads import BINARY, receive_files, upload_body

router = APIRouter(prefix="/v1/collections", tags=["collections"])

Name = Annotated[str, Path(openapi_examples={"faces": {"value": "faces"}})]
ImageName = Annotated[str, Path(openapi_examples={"cyclo1": {"value": "cyclo1.jpg"}})]
_ZIP = "application/zip"
_FILES = upload_body(raw=False, files={"type": "array", "items": BINARY["schema"]})


@router.get("", summary="All collections")
async def list_collections(services: ServicesDependency) -> list[Collection]:
    return await services.store.collections.all()


@router.put("/{name}", summary="Create a collection")
async def create_collection(
    name: Name, pipeline: CollectionPipeline, services: ServicesDependency
) -> Collection:
    """With what is done to each of its images: 80x90 gray JPEG unless said otherwise.

    A collection that is there with another pipeline is a conflict.
    """
    try:
        return await normalising.create(services, name, pipeline)
    except ValidationError as error:
        findings = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(findings, body=pipeline.model_dump()) from None


@router.delete("/{name}", status_code=204, summary="Remove a collection and its images")
async def delete_collection(name: Name, services: ServicesDependency) -> None:
    await services.store.collections.remove(name)


@router.post("/{name}/images", status_code=201, summary="Add images", openapi_extra=_FILES)
async def add_images(name: Name, http: Request, services: ServicesDependency) -> Added:
    """Many files in the form's field `files`. The collection is created when it is missing.

    A name that is there is left alone. What the answer calls inserted is stored.
    """
    store = services.store.collections
    with MemoryFile() as held:
        limits = services.settings.limits
        files = await receive_files(http, held, limits.max_image_bytes, limits.max_files)
        collection = await normalising.collection_of(store, name)
        return await normalising.add(store, services.dispatcher, collection, files, held)


@router.get("/{name}/images", summary="The images of a collection")
async def list_images(
    name: Name,
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> CollectionPage:
    """In the order of their names, without their bytes."""
    return await services.store.collections.page(name, cursor, limit)


@router.get("/{name}/images/{image}", summary="One image as JSON")
async def get_image(name: Name, image: ImageName, services: ServicesDependency) -> CollectionImage:
    return await services.store.collections.image(name, image)


@router.get("/{name}/images/{image}/content", summary="One image as bytes")
async def get_content(
    name: Name, image: ImageName, http: Request, services: ServicesDependency
) -> Response:
    found = await services.store.collections.image(name, image)
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "private, no-cache"}
    if matches(http.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    data = base64.b64decode(found.image_base64)
    return Response(data, media_type=FORMAT_TRAITS[sniff(data)].media_type, headers=headers)


@router.delete("/{name}/images/{image}", status_code=204, summary="Remove an image")
async def delete_image(name: Name, image: ImageName, services: ServicesDependency) -> None:
    await services.store.collections.remove_image(name, image)


@router.get("/{name}/export.zip", summary="All images as a ZIP", response_class=StreamingResponse)
async def export_zip(name: Name, services: ServicesDependency) -> StreamingResponse:
    """Each image as the file that it is, under its name."""
    await services.store.collections.get(name)
    parts = archives.zipped(services.store.collections.export(name))
    return archives.download(parts, _ZIP, f"{name}.zip")


@router.get("/{name}/export.npz", summary="All images as arrays", response_class=StreamingResponse)
async def export_npz(name: Name, services: ServicesDependency) -> StreamingResponse:
    """For `numpy.load`: `images` (N, H, W) or (N, H, W, C) in BGR, and `names` (N,).

    All images of the collection have to have one size, as those of 80x90 have.
    """
    parts = await archives.arrays(services.store.collections, services.dispatcher, name)
    return archives.download(parts, archives.NPZ, f"{name}.npz")
