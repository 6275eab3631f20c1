"""The TCP listener that takes folders of images."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX
from service.settings.part import Part
from service.units import Host, OptionalPort


class IngestSettings(Part):
    """Folders of images over TCP, for clients of the original servers and new ones."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}INGEST_")

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: OptionalPort = Field(None, description="Port to listen on; 0 takes any free port.")
