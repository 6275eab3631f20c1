"""The camera."""

from pydantic import Field

from service.settings.part import Part
from service.units import CameraSource


class CameraSettings(Part):
    """The camera that `/v1/camera` shows."""

    camera: CameraSource = Field(
        "auto",
        description="Where the pictures come from; `auto` is the first device, else the test "
        "pattern.",
    )
