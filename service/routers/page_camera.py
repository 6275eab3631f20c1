"""The camera's page, and the forms that do without scripts what its scripts do."""

import asyncio
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from schemas.camera import RecordingRequest
from service.camera_looks import look_pipeline
from service.dependencies import ServicesDependency
from service.web.camera_look import form_error, look_in, stream_query
from service.web.camera_page import (
    camera_page,
    change_settings,
    picture_page,
    thumbnail,
    to_library,
)
from service.web.routes import page_router, plain_form

router = page_router()

Name = Annotated[str, Path(max_length=100)]
Cursor = Annotated[str | None, Query(max_length=100)]

_KEPT = "private, max-age=86400"
"""The address names the time of the file, too: another picture of that name has another one."""


@router.get("/camera")
async def show_camera(
    request: Request, services: ServicesDependency, cursor: Cursor = None
) -> Response:
    return await camera_page(request, services, cursor)


@router.get("/camera/pictures/{name}")
async def show_picture(name: Name, request: Request, services: ServicesDependency) -> Response:
    return await picture_page(request, services, name)


@router.get("/camera/pictures/{name}/thumbnail")
async def show_thumbnail(name: Name, services: ServicesDependency) -> Response:
    small = await thumbnail(services, name)
    return Response(small, media_type="image/webp", headers={"Cache-Control": _KEPT})


@router.post("/camera/pictures")
async def take_picture(request: Request, services: ServicesDependency) -> Response:
    """With the effect that the page shows."""
    form = await plain_form(request)
    pipeline = await look_pipeline(stream_query(look_in(_look(form))), services, None)
    await services.camera.call(services.camera.take_picture, pipeline)
    return _back(form)


@router.post("/camera/pictures/{name}/delete")
async def delete_picture(name: Name, request: Request, services: ServicesDependency) -> Response:
    form = await plain_form(request)
    await asyncio.to_thread(services.camera.pictures.remove, name)
    return _back(form)


@router.post("/camera/pictures/{name}/lab")
async def open_in_lab(name: Name, request: Request, services: ServicesDependency) -> Response:
    await plain_form(request)
    image = await to_library(services, name)
    return RedirectResponse(f"/lab?image={image.id}", 303)


@router.post("/camera/settings")
async def set_camera(request: Request, services: ServicesDependency) -> Response:
    form = await plain_form(request)
    await change_settings(services, form)
    return _back(form)


@router.post("/camera/recordings")
async def start_recording(request: Request, services: ServicesDependency) -> Response:
    form = await plain_form(request)
    try:
        asked = {"seconds": form.get("seconds") or "60"}
        wanted = RecordingRequest.model_validate(asked, strict=False)
    except ValidationError as error:
        raise form_error(error) from None
    await services.camera.call(services.camera.recorder.start, wanted.seconds, None)
    return _back(form)


@router.post("/camera/recordings/stop")
async def stop_recording(request: Request, services: ServicesDependency) -> Response:
    form = await plain_form(request)
    await services.camera.call(services.camera.recorder.stop)
    return _back(form)


@router.post("/camera/recordings/{name}/delete")
async def delete_recording(name: Name, request: Request, services: ServicesDependency) -> Response:
    form = await plain_form(request)
    await asyncio.to_thread(services.camera.recordings.remove, name)
    return _back(form)


def _look(form: FormData) -> str:
    return str(form.get("look", ""))


def _back(form: FormData) -> Response:
    """To the page as it was: only what is a look comes back, so that it leads nowhere else."""
    query = look_in(_look(form)).query
    return RedirectResponse("/camera" + (f"?{query}" if query else ""), 303)
