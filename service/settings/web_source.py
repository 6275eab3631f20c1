"""Images that are read from web servers."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX
from service.settings.part import Part
from service.units import Flag, PositiveDuration


class WebSourceSettings(Part):
    """Reading images from web servers, where `DARKROOM_READ_ROOTS` names any."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}HTTP_")

    timeout: PositiveDuration = Field(
        20.0,
        description="Time that an image may take from its web server in all; keep it below "
        "`DARKROOM_TASK_TIMEOUT`.",
    )
    allow_private: Flag = Field(
        False, description="Connect to addresses that are not of the public Internet, too."
    )
