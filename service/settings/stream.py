"""The image stream."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX
from service.settings.part import Part
from service.units import Count, OptionalPort


class StreamSettings(Part):
    """Images over WebSocket: `/v1/stream` is always there, and on a port of its own if wanted."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}STREAM_")

    port: OptionalPort = Field(
        None, description="Port on which `/` is the stream, for senders of the original server."
    )
    connections: Count = Field(100, description="Streams that may be open at once.")
