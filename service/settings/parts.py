"""The parts of the settings that every service has."""

import ipaddress
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from service.environment import PREFIX, SettingsError
from service.machine import default_budget
from service.settings.part import Part
from service.units import (
    MIB,
    ApiKeys,
    ByteSize,
    Count,
    Duration,
    Flag,
    Folder,
    Host,
    LogFile,
    LogFormat,
    LogLevel,
    MemoryBudget,
    Pixels,
    Port,
    PositiveDuration,
    Secret,
    StoreUrl,
    WorkerMemory,
    Workers,
    usable_cores,
)


class ServerSettings(Part):
    """Where the service listens, and to whom."""

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8888, description="Port to listen on; 0 takes any free port.")
    api_keys: ApiKeys = Field((), description="Secrets of which a client has to present one.")
    allow_anonymous: Flag = Field(
        False, description="Listen on addresses other than loopback without API keys."
    )
    max_body: ByteSize = Field(64 * MIB, description="Largest request body.")
    body_timeout: PositiveDuration = Field(
        30.0,
        description="Time that a request body may stand still, or come in at less than 1 KiB/s.",
    )
    shutdown_timeout: Duration = Field(
        10.0, description="Time that running requests get to finish after SIGTERM."
    )

    def check_listening(self) -> None:
        """Raise SettingsError when other machines could reach the service without a key.

        To be called before listening, and only then: a batch run does not listen.
        """
        if self.api_keys or self.allow_anonymous or is_loopback(self.host):
            return
        raise SettingsError(
            f"DARKROOM_HOST={self.host!r} lets other machines in without a key: set "
            "DARKROOM_API_KEYS, or DARKROOM_ALLOW_ANONYMOUS=true to let anyone in, or listen on "
            "this machine only with DARKROOM_HOST=127.0.0.1"
        )


class LimitSettings(Part):
    """What one request may ask for."""

    max_pixels: Pixels = Field(
        50_000_000,
        description="Largest image, checked before decoding and for the result of each operation.",
    )
    max_image_bytes: ByteSize = Field(32 * MIB, description="Largest encoded image.")
    max_images: Count = Field(10_000, description="Images in a request.")
    max_job_images: Count = Field(100_000, description="Images in a request that runs as a job.")
    max_files: Count = Field(1000, description="Files in a request that adds to a collection.")
    max_operations: Count = Field(100, description="Operations in a request.")
    max_outputs: Count = Field(
        1024, description="Images that one input image may become by splitting."
    )
    max_frames: Count = Field(
        200, description="Frames of an animation, all of which count as pixels."
    )


class StoreSettings(Part):
    """What is kept between requests: the index of the library, collections, recipes."""

    store: StoreUrl = Field(
        SecretStr("sqlite:///data/darkroom.db"),
        description="Database: the path of a file of SQLite, made when it is missing (three "
        "slashes for a relative path, four for an absolute one), or a server of MongoDB.",
    )
    job_retention: PositiveDuration = Field(
        7 * 24 * 3600.0, description="How long jobs that have ended are kept."
    )
    unchanged_retention: PositiveDuration = Field(
        90 * 24 * 3600.0,
        description="How long it is remembered what outputs were made of, for `skip_unchanged`.",
    )
    max_queued_jobs: Count = Field(
        1000, description="Jobs that wait or run; more are refused until some have ended."
    )
    library: Folder = Field(
        Path("testimages"),
        description="Folder whose images are indexed, and shown by `/v1/images`.",
    )


class WebhookSettings(Part):
    """Calls to clients when their jobs have ended."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}WEBHOOK_")

    secret: Secret = Field(None, description="Key of the signature that each call carries.")
    allow_private: Flag = Field(
        False, description="Call addresses that are not of the public Internet, too."
    )


class EngineSettings(Part):
    """The processes that do the image work."""

    workers: Workers = Field(
        default_factory=usable_cores,
        description="Worker processes; with a Dask cluster, the threads that its workers usually "
        "have in all, by which DARKROOM_MEMORY_BUDGET is shared.",
    )
    task_timeout: PositiveDuration = Field(
        30.0, description="Time that a task may take before its worker is stopped."
    )
    worker_memory: WorkerMemory = Field(
        1536 * MIB, description="Address space that a worker process may use."
    )
    memory_budget: MemoryBudget = Field(
        default_factory=default_budget,
        description="Memory that the images under way may be estimated to take; large ones wait.",
    )
    processing_delay: Duration = Field(
        0.0,
        description="Time that a request of `/items/` waits first, to watch concurrency.",
    )


class LogSettings(Part):
    """What is logged, how, and where to beside standard error."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}LOG_")

    level: LogLevel = Field("info", description="Least severe level that is logged.")
    format: LogFormat = Field("plain", description="Lines for people, or one JSON object a line.")
    file: LogFile = Field(None, description="File to log to as well; its folder is created.")
    file_bytes: ByteSize = Field(10 * MIB, description="Size at which the log file is rotated.")
    file_count: Count = Field(5, description="Rotated log files to keep beside the current one.")


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
