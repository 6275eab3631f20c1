"""The camera's page: the live picture, its settings, and what was taken."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from pydantic import ValidationError

from processors.encoding import EncodeOptions
from processors.plan import Pipeline
from processors.registry import registry
from schemas.camera import CameraChange, CameraSetting, Picture
from schemas.library import LibraryImage
from service.camera.pictures import NumberedFile
from service.camera_views import picture_view, progress_view, recording_view, state_view
from service.engine.base import WorkItem
from service.services import Services
from service.store.base import StoreError
from service.transfer import InlineSink, MemoryFile, MemorySource
from service.web.camera_look import checked, form_error, look_of
from service.web.rendering import page

_SHOWN, _RECORDINGS = 24, 50
_THUMBNAIL = "thumbnail=480x360"
_SIZE_AND_RATE = ("width", "height", "fps")
_OFFERED = ("grayscale", "canny", "sepia", "invert", "emboss", "pixelate", "posterize")
"""Effects that one press applies, with the values that they have by themselves."""

_BY = {"device": "by the camera", "software": "in software", None: ""}


async def camera_page(request: Request, services: Services, cursor: str | None) -> Response:
    """An effect that is wrong says so beside its form, and the picture is shown without."""
    look = await checked(look_of(request.query_params.multi_items()), services)
    shown = look_of(()) if look.problem else look
    camera = services.camera
    settings = state_view(camera).settings
    progress = camera.recorder.progress()
    return page(
        request,
        "camera.html",
        state=state_view(camera),
        look=look,
        shown=shown,
        stream="/v1/camera/stream" + (f"?{shown.query}" if shown.query else ""),
        offered=_OFFERED,
        recipes=await _recipes(services),
        picture_settings=[one for one in settings if one.name not in _SIZE_AND_RATE],
        size_settings=[one for one in settings if one.name in _SIZE_AND_RATE],
        by=_BY,
        current=None if progress is None else progress_view(progress),
        folder=camera.pictures.root,
        paged=cursor is not None,
        **await asyncio.to_thread(_taken, services, cursor),
    )


def _taken(services: Services, cursor: str | None) -> dict[str, Any]:
    pictures, behind = services.camera.pictures.page(cursor, _SHOWN)
    recordings, _ = services.camera.recordings.page(None, _RECORDINGS)
    return {
        "pictures": [picture_view(file) for file in pictures],
        "next": behind,
        "recordings": [recording_view(file) for file in recordings],
    }


async def _recipes(services: Services) -> list[tuple[str, str]]:
    """The choices of the form; without the store the page works all the same."""
    try:
        names = [recipe.name for recipe in await services.store.recipes.all()]
    except StoreError:
        return [("", "none: the store is away")]
    return [("", "none" if names else "none saved yet"), *((name, name) for name in names)]


# --- settings ------------------------------------------------------------------------------------


async def change_settings(services: Services, form: Mapping[str, Any]) -> None:
    """What the form changes of the settings, or puts back. Raises RequestValidationError.

    What is as it was is left alone: to tell it to a device would end what that does by itself.
    """
    now = {setting.name: setting for setting in state_view(services.camera).settings}
    values = _reset(now, str(form["reset"])) if form.get("reset") else _changed(now, form)
    if values:
        await services.camera.call(services.camera.change, values)


def _reset(now: Mapping[str, CameraSetting], name: str) -> dict[str, float | None]:
    return {one: None for one in now if name in (one, "all")}


def _changed(now: Mapping[str, CameraSetting], form: Mapping[str, Any]) -> dict[str, float | None]:
    given = {name: form[name] for name in now if form.get(name)}
    try:
        values = CameraChange.model_validate(given, strict=False).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise form_error(error) from None
    return {name: value for name, value in values.items() if value != now[name].value}


# --- pictures ------------------------------------------------------------------------------------


async def picture_page(request: Request, services: Services, name: str) -> Response:
    """Raises NotStored."""
    picture = await asyncio.to_thread(_picture, services, name)
    return page(request, "camera_picture.html", picture=picture)


def _picture(services: Services, name: str) -> Picture:
    return picture_view(services.camera.pictures.get(name))


async def thumbnail(services: Services, name: str) -> bytes:
    """A small WebP. Raises NotStored, EngineError, and what a broken picture raises."""
    file = await asyncio.to_thread(services.camera.pictures.get, name)
    pipeline = Pipeline(
        ((0, registry().parse(_THUMBNAIL)),), EncodeOptions(format="webp", quality=72)
    )
    with MemoryFile() as held:
        await asyncio.to_thread(_copy, file, held)
        item = WorkItem(0, MemorySource(held.path), InlineSink())
        result = await services.dispatcher.run_one(pipeline, item)
    if result.error is not None:
        raise result.error
    return base64.b64decode(result.outputs[0].path or "")


async def to_library(services: Services, name: str) -> LibraryImage:
    """A copy of the picture for the library, which the lab can open. Raises as Library.add."""
    file = await asyncio.to_thread(services.camera.pictures.get, name)
    with MemoryFile() as held:
        await asyncio.to_thread(_copy, file, held)
        return await services.library.add(name, held)


def _copy(file: NumberedFile, held: MemoryFile) -> None:
    held.write(file.path.read_bytes())
