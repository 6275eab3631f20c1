"""The camera: watch, set, take pictures, record."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse

from schemas.camera import (
    CameraChange,
    CameraLook,
    CameraState,
    FrameQuery,
    Picture,
    PicturePage,
    Recording,
    RecordingPage,
    RecordingProgress,
    RecordingRequest,
    StreamQuery,
)
from service.camera_looks import look_pipeline
from service.camera_views import picture_view, progress_view, recording_view, state_view
from service.dependencies import ServicesDependency
from service.errors import InvalidRequest
from service.multipart import MEDIA_TYPE, MultipartStream
from service.uploads import BINARY

router = APIRouter(prefix="/v1/camera", tags=["camera"])

_JPEG, _MP4 = "image/jpeg", "video/mp4"
_MOST_NAME = 255
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[
    str | None, Query(max_length=_MOST_NAME, description="`next` of the page before.")
]
Name = Annotated[str, Path(max_length=_MOST_NAME)]


def _content(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: BINARY}}}


async def _no_body(request: Request) -> None:
    """Raises InvalidRequest: what a body says would be left out in silence. `{}` says nothing."""
    said = b""
    async for part in request.stream():
        said += part.strip()
        if not b"{}".startswith(said):
            raise InvalidRequest("send no body: `operations` and `recipe` belong in the query")


@router.get("", summary="The camera and its settings")
async def get_camera(services: ServicesDependency) -> CameraState:
    return state_view(services.camera)


@router.patch("/settings", summary="Change settings")
async def change_settings(change: CameraChange, services: ServicesDependency) -> CameraState:
    """For all viewers. The camera is opened, so that the answer says what the device takes."""
    values = change.model_dump(exclude_unset=True)
    if values:
        await services.camera.call(services.camera.change, values)
    return state_view(services.camera)


@router.get(
    "/stream",
    summary="Watch",
    response_class=Response,
    responses=_content(MEDIA_TYPE.partition(";")[0]),
)
async def stream(
    query: Annotated[StreamQuery, Query()], services: ServicesDependency
) -> MultipartStream:
    """MJPEG: for the `src` of an `<img>`. Without a picture, a notice says what is wrong."""
    pipeline = await look_pipeline(query, services, query.quality)
    return MultipartStream(services.camera.watch(pipeline, query.width, query.fps))


@router.get("/frame", summary="One picture", response_class=Response, responses=_content(_JPEG))
async def get_frame(
    query: Annotated[FrameQuery, Query()], services: ServicesDependency
) -> Response:
    pipeline = await look_pipeline(query, services, query.quality)
    jpeg = await services.camera.frame(pipeline, query.width)
    return Response(jpeg, media_type=_JPEG, headers={"Cache-Control": "no-store"})


@router.post(
    "/pictures", status_code=201, summary="Take a picture", dependencies=[Depends(_no_body)]
)
async def take_picture(
    query: Annotated[CameraLook, Query()], response: Response, services: ServicesDependency
) -> Picture:
    """In full quality, under the next free number."""
    pipeline = await look_pipeline(query, services, None)
    file = await services.camera.call(services.camera.take_picture, pipeline)
    picture = await asyncio.to_thread(picture_view, file)
    response.headers["Location"] = picture.url
    return picture


@router.get("/pictures", summary="The pictures that were taken")
async def list_pictures(
    services: ServicesDependency, limit: Limit = 20, cursor: Cursor = None
) -> PicturePage:
    """The newest first."""

    def page() -> PicturePage:
        files, behind = services.camera.pictures.page(cursor, limit)
        return PicturePage(pictures=[picture_view(file) for file in files], next=behind)

    return await asyncio.to_thread(page)


@router.get(
    "/pictures/{name}", summary="A picture", response_class=Response, responses=_content(_JPEG)
)
async def get_picture(name: Name, services: ServicesDependency) -> FileResponse:
    file = await asyncio.to_thread(services.camera.pictures.get, name)
    return FileResponse(file.path, media_type=_JPEG)


@router.delete("/pictures/{name}", status_code=204, summary="Remove a picture")
async def delete_picture(name: Name, services: ServicesDependency) -> None:
    await asyncio.to_thread(services.camera.pictures.remove, name)


@router.post("/recordings", status_code=202, summary="Start a recording")
async def start_recording(
    request: RecordingRequest, services: ServicesDependency
) -> RecordingProgress:
    """One at a time. It gets its name when it has ended, and is whole."""
    camera = services.camera
    return progress_view(await camera.call(camera.recorder.start, request.seconds, request.fps))


@router.post("/recordings/current/stop", summary="Stop the recording")
async def stop_recording(response: Response, services: ServicesDependency) -> Recording:
    camera = services.camera
    recording = recording_view(await camera.call(camera.recorder.stop))
    response.headers["Location"] = recording.url
    return recording


@router.get("/recordings", summary="The recordings")
async def list_recordings(
    services: ServicesDependency, limit: Limit = 20, cursor: Cursor = None
) -> RecordingPage:
    """The newest first, and the one under way."""
    camera = services.camera
    files, behind = await asyncio.to_thread(camera.recordings.page, cursor, limit)
    progress = camera.recorder.progress()
    return RecordingPage(
        current=None if progress is None else progress_view(progress),
        recordings=[recording_view(file) for file in files],
        next=behind,
    )


@router.get(
    "/recordings/{name}", summary="A recording", response_class=Response, responses=_content(_MP4)
)
async def get_recording(name: Name, services: ServicesDependency) -> FileResponse:
    """A part of it for a `Range`."""
    file = await asyncio.to_thread(services.camera.recordings.get, name)
    return FileResponse(file.path, media_type=_MP4)


@router.delete("/recordings/{name}", status_code=204, summary="Remove a recording")
async def delete_recording(name: Name, services: ServicesDependency) -> None:
    await asyncio.to_thread(services.camera.recordings.remove, name)
