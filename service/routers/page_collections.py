"""Collections as pages, and the forms that create, fill and remove them."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response

from service import archives
from service.dependencies import ServicesDependency
from service.web.collection_image_page import collection_image_page
from service.web.collections_page import (
    add_files,
    address,
    collection_page,
    collections_page,
    confirmed,
    create,
)
from service.web.routes import page_router, plain_form

router = page_router()

Name = Annotated[str, Path(max_length=1000)]


@router.get("/collections")
async def show_collections(request: Request, services: ServicesDependency) -> Response:
    return await collections_page(request, services)


@router.post("/collections")
async def create_collection(request: Request, services: ServicesDependency) -> Response:
    made = await create(request, services, await plain_form(request))
    return RedirectResponse(made, 303) if isinstance(made, str) else made


@router.get("/collections/{name}")
async def show_collection(name: Name, request: Request, services: ServicesDependency) -> Response:
    return await collection_page(request, services, name)


@router.post("/collections/{name}/images")
async def add_images(name: Name, request: Request, services: ServicesDependency) -> Response:
    """It answers with the page, which says of each file what became of it: to load it again sends
    them again, which does no harm."""
    added = await add_files(request, services, name)
    return await collection_page(request, services, name, added)


@router.get("/collections/{name}/export.npz")
async def export_arrays(name: Name, services: ServicesDependency) -> Response:
    """As the API's; what does not fit into arrays is told by a page, and not by JSON."""
    parts = await archives.arrays(services.store.collections, services.dispatcher, name)
    return archives.download(parts, archives.NPZ, f"{name}.npz")


@router.post("/collections/{name}/delete")
async def delete_collection(name: Name, request: Request, services: ServicesDependency) -> Response:
    confirmed(await plain_form(request))
    await services.store.collections.remove(name)
    return RedirectResponse("/collections", 303)


@router.get("/collections/{name}/images/{image}")
async def show_image(
    name: Name, image: Name, request: Request, services: ServicesDependency
) -> Response:
    return await collection_image_page(request, services, name, image)


@router.post("/collections/{name}/images/{image}/delete")
async def delete_image(
    name: Name, image: Name, request: Request, services: ServicesDependency
) -> Response:
    await plain_form(request)
    await services.store.collections.remove_image(name, image)
    return RedirectResponse(address(name), 303)
