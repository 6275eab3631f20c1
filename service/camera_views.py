"""The camera as the API shows it."""

from dataclasses import asdict

from processors.errors import ProcessorError
from processors.probing import probe
from schemas.camera import (
    CameraSetting,
    CameraState,
    Picture,
    Recording,
    RecordingProgress,
)
from service.camera.pictures import NumberedFile
from service.live.camera.recording import Progress
from service.live.camera.shared import SharedCamera

URL = "/v1/camera"
_HEADER_BYTES = 64 * 1024


def state_view(camera: SharedCamera) -> CameraState:
    """What GET /v1/camera shows."""
    capture = camera.capture
    fps, size = capture.fps(), capture.size
    return CameraState(
        kind=camera.address.kind,
        name=capture.name,
        open=capture.running,
        width=None if size is None else size.width,
        height=None if size is None else size.height,
        fps=None if fps is None else round(fps, 2),
        viewers=camera.viewers,
        encodes=camera.encodes,
        problem=capture.problem if capture.running else None,
        recording=camera.recorder.progress() is not None,
        settings=[CameraSetting(**asdict(setting)) for setting in camera.settings()],
    )


def picture_view(file: NumberedFile) -> Picture:
    """A picture with the size that its header says. Reads the file."""
    width = height = None
    try:
        with file.path.open("rb") as opened:
            header = probe(opened.read(_HEADER_BYTES))
        width, height = header.width, header.height
    except (OSError, ProcessorError):
        pass  # removed meanwhile, or put there by others
    return Picture(
        name=file.name,
        url=f"{URL}/pictures/{file.name}",
        width=width,
        height=height,
        bytes=file.bytes,
        created_at=file.created_at,
    )


def recording_view(file: NumberedFile) -> Recording:
    return Recording(
        name=file.name,
        url=f"{URL}/recordings/{file.name}",
        bytes=file.bytes,
        created_at=file.created_at,
    )


def progress_view(progress: Progress) -> RecordingProgress:
    return RecordingProgress(
        seconds=progress.seconds,
        limit=progress.limit,
        frames=progress.frames,
        fps=progress.fps,
        width=progress.size.width,
        height=progress.size.height,
    )
