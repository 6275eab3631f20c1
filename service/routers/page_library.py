"""The library's images as pages, and the forms that add and remove them."""

from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from service.dependencies import ServicesDependency
from service.transfer import MemoryFile
from service.uploads import receive
from service.web.image_page import image_page
from service.web.routes import FORM_TOKEN, check_token, page_router, plain_form

router = page_router()

Id = Annotated[str, Path(max_length=100)]
Text = Annotated[str, Query(max_length=10_000)]


@router.get("/images/{id}")
async def show_image(
    id: Id, request: Request, services: ServicesDependency, filter: Text = "", value: Text = ""
) -> Response:
    return await image_page(request, services, id, filter.strip(), value.strip())


@router.post("/images/{id}/delete")
async def delete_image(id: Id, request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    await services.library.remove(id)
    return RedirectResponse("/", 303)


@router.post("/library")
async def add_image(request: Request, services: ServicesDependency) -> Response:
    """The plain form, where there are no scripts."""
    with MemoryFile() as held:
        upload = await receive(request, held, services.limits.max_bytes)
        check_token(request, upload.options.get(FORM_TOKEN))
        image = await services.library.add(upload.name or "image", held)
    return RedirectResponse(f"/images/{image.id}", 303)


@router.post("/library/scan")
async def scan(request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    await services.library.scan()
    return RedirectResponse("/", 303)
