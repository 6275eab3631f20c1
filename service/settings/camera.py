"""The camera."""

from pathlib import Path

from pydantic import Field, SecretStr

from service.settings.part import Part
from service.units import GIB, ByteSize, CameraSource, Count, Folder


class CameraSettings(Part):
    """The camera that `/v1/camera` shows."""

    camera: CameraSource = Field(
        SecretStr("auto"),
        description="Where the pictures come from; `auto` is the first device, else the test "
        "pattern.",
    )
    camera_viewers: Count = Field(200, description="Viewers at once; more are refused.")
    camera_pictures: Folder = Field(
        Path("pictures"), description="Folder for the pictures and recordings that are taken."
    )
    camera_max_recording: ByteSize = Field(
        GIB, description="Size at which a recording ends by itself."
    )
