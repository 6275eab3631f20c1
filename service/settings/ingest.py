"""The TCP listener that takes folders of images."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX, SettingsError
from service.settings.part import Part
from service.settings.parts import ServerSettings, is_loopback
from service.units import MIB, ByteSize, Count, Host, OptionalFlag, OptionalPort, PositiveDuration


class IngestSettings(Part):
    """Folders of images over TCP, for clients of the original servers and new ones."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}INGEST_")

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: OptionalPort = Field(None, description="Port to listen on; 0 takes any free port.")
    legacy: OptionalFlag = Field(
        None,
        description="Take the original protocol too, which has no API key. When it is not set: "
        "where no keys are set. Where keys are set, true takes it from this machine only.",
    )
    connections: Count = Field(200, description="Connections at once; more are told to come later.")
    max_images: Count = Field(10_000, description="Images in a folder.")
    max_pickle: ByteSize = Field(
        160 * MIB,
        description="Largest pickled image of the original protocol, which has plain pixels. "
        "Others have the limit of DARKROOM_MAX_IMAGE_BYTES.",
    )
    memory: ByteSize = Field(
        256 * MIB,
        description="Images that are received and not stored yet, of all connections; more wait.",
    )
    idle_timeout: PositiveDuration = Field(
        60.0,
        description="Time that a connection may stand still, or bring less than 1 KiB/s.",
    )
    total_timeout: PositiveDuration = Field(
        3600.0, description="Time that a connection may take in all."
    )

    def takes_legacy(self, server: ServerSettings) -> bool:
        """Whether the original protocol is taken from this machine at least."""
        return not server.api_keys if self.legacy is None else self.legacy

    def check_listening(self, server: ServerSettings) -> None:
        """Raise SettingsError when other machines could send images without a key."""
        if self.port is None or server.api_keys or server.allow_anonymous or is_loopback(self.host):
            return
        raise SettingsError(
            f"DARKROOM_INGEST_HOST={self.host!r} lets other machines in without a key: set "
            "DARKROOM_API_KEYS, or DARKROOM_ALLOW_ANONYMOUS=true to let anyone in, or listen on "
            "this machine only with DARKROOM_INGEST_HOST=127.0.0.1"
        )
