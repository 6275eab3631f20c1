"""Requests and responses of the camera."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.batches import MAX_PATH

MOST_FPS = 120.0
MOST_SECONDS = 3600.0
_PERCENT = "Percent: half is what it is by itself."
_FROM_NOTHING = "Percent: 0 is none, save where a device has a value of its own."


class CameraLook(BaseModel):
    """What is done to the picture before it is shown or kept."""

    model_config = ConfigDict(extra="forbid")

    operations: list[str] = Field(
        default_factory=list,
        description="In text form; repeat the parameter for several.",
        examples=[["grayscale", "canny=80,160"]],
    )
    recipe: str | None = Field(
        None, max_length=MAX_PATH, description="Name of a stored recipe, in place of operations."
    )


class FrameQuery(CameraLook):
    """How a viewer wants the picture."""

    quality: int | None = Field(
        None, ge=1, le=100, description="Of the JPEG; 80 unless the recipe says otherwise."
    )
    width: int | None = Field(
        None, ge=16, le=7680, description="Most pixels across; the picture is never enlarged."
    )


class StreamQuery(FrameQuery):
    """How a viewer wants the stream."""

    fps: float | None = Field(
        None, gt=0, le=MOST_FPS, description="Most pictures a second; the camera's by default."
    )


class CameraChange(BaseModel):
    """New settings; null puts one back to what it was at first."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"brightness": 60, "width": 320}]},
    )

    brightness: float | None = Field(None, ge=0, le=100, description=_PERCENT)
    contrast: float | None = Field(None, ge=0, le=100, description=_PERCENT)
    saturation: float | None = Field(None, ge=0, le=100, description=_PERCENT)
    hue: float | None = Field(None, ge=0, le=100, description=_PERCENT)
    gain: float | None = Field(None, ge=0, le=100, description=_FROM_NOTHING)
    exposure: float | None = Field(None, ge=0, le=100, description=_PERCENT)
    sharpness: float | None = Field(None, ge=0, le=100, description=_FROM_NOTHING)
    white_balance: float | None = Field(
        None, ge=2000, le=10000, description="Temperature of the light, in kelvin."
    )
    width: int | None = Field(
        None, ge=16, le=3840, description="Pixels; alone, the height follows in proportion."
    )
    height: int | None = Field(None, ge=16, le=2160, description="Pixels.")
    fps: float | None = Field(None, ge=1, le=MOST_FPS, description="Pictures a second.")


class CameraSetting(BaseModel):
    """A setting as it is."""

    name: str
    value: float | None = Field(description="null before the camera is opened.")
    minimum: float
    maximum: float
    default: float | None
    unit: str
    by: Literal["device", "software"] | None = Field(
        description="device: the source takes it; software: it is done to each picture; null: not "
        "known before the camera is opened."
    )


class CameraState(BaseModel):
    """The camera as it is. It is opened when somebody watches, and not for this."""

    kind: Literal["device", "file", "url", "test", "auto"]
    name: str
    open: bool
    width: int | None = Field(description="Of the last picture.")
    height: int | None
    fps: float | None = Field(description="Pictures a second, measured.")
    viewers: int
    encodes: int = Field(description="Pictures that were made for viewers, since the start.")
    problem: str | None = Field(description="Why there is no picture now.")
    recording: bool
    settings: list[CameraSetting]


class Picture(BaseModel):
    """A picture that was taken. Width and height are null for a file that is no picture."""

    name: str
    url: str
    width: int | None
    height: int | None
    bytes: int
    created_at: datetime


class PicturePage(BaseModel):
    """The newest first."""

    pictures: list[Picture]
    next: str | None = Field(description="Cursor of the next page.")


class RecordingRequest(BaseModel):
    """How long a recording may become."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds: float = Field(60.0, gt=0, le=MOST_SECONDS, description="It ends by itself then.")
    fps: float | None = Field(
        None, ge=1, le=60, description="Pictures a second in the file; the camera's by default."
    )


class RecordingProgress(BaseModel):
    """A recording under way."""

    seconds: float
    limit: float = Field(description="Seconds after which it ends by itself.")
    frames: int
    fps: float
    width: int
    height: int


class Recording(BaseModel):
    """A recording that has ended."""

    name: str
    url: str
    bytes: int
    created_at: datetime


class RecordingPage(BaseModel):
    """The newest first."""

    current: RecordingProgress | None
    recordings: list[Recording]
    next: str | None = Field(description="Cursor of the next page.")
