"""What the service does now, and what it is made of."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from schemas.jobs import Job

Health = Literal["ready", "idle", "off", "trouble"]
"""ready: it works; idle: it starts when it is needed; off: by the settings; trouble: see detail."""


class PartStatus(BaseModel):
    """A part of the service, in one word and in a sentence."""

    state: Health
    detail: str


class EngineStatus(PartStatus):
    """The workers for batches, and as many again for single images."""

    workers: int
    busy: int
    queued: int = Field(description="Groups of images that wait for a worker.")


class StoreStatus(PartStatus):
    """The database."""

    kind: Literal["SQLite", "MongoDB"]
    milliseconds: float | None = Field(description="That it took to answer; null if it did not.")


class CameraStatus(PartStatus):
    """The camera. It is not opened for this."""

    open: bool
    viewers: int
    fps: float | None = Field(description="Pictures a second, measured.")
    recording: bool


class ConnectionStatus(PartStatus):
    """What takes connections: the image stream, or the TCP listener."""

    connections: int = Field(description="That are open.")


class ProcessStatus(BaseModel):
    """A process of the service. Workers are forked from a helper."""

    pid: int
    role: Literal["server", "helper", "worker"]
    memory_bytes: int = Field(
        description="That it has in memory; what several processes share counts in parts."
    )


class MemoryStatus(BaseModel):
    """Bytes. `processes` is empty where the system does not tell (it does on Linux)."""

    processes: list[ProcessStatus]
    total_bytes: int | None = Field(description="Of all processes.")
    budget_bytes: int = Field(description="DARKROOM_MEMORY_BUDGET.")
    large_image_bytes: int = Field(description="That large images under way may take.")
    large_images_waiting: int = Field(description="Large images that wait for memory.")


class JobsStatus(BaseModel):
    """Jobs, of all services that share the database. null while that is away."""

    unfinished: int | None = Field(description="That wait or run.")
    running: list[Job] = Field(description="The latest ones.")


class Counters(BaseModel):
    """Since the start. They only grow: the difference of two answers is a rate."""

    requests: int
    images: int = Field(description="Results that were made.")
    failures: int = Field(description="Images that failed.")
    ingested: int = Field(description="Images that came in over TCP.")
    camera_pictures: int = Field(description="Pictures made for viewers of the camera.")


class Versions(BaseModel):
    """What the service is made of."""

    darkroom: str
    python: str
    opencv: str
    numpy: str
    store: str | None = Field(description="Of the database; null while it is away.")


class LimitStatus(BaseModel):
    """A setting that is a number."""

    name: str = Field(description="Of the variable.")
    value: str = Field(description="As it would be written there.")
    description: str


class ServiceStatus(BaseModel):
    """The service at this moment."""

    time: datetime
    uptime_seconds: float
    engine: EngineStatus
    store: StoreStatus
    camera: CameraStatus
    stream: ConnectionStatus
    ingest: ConnectionStatus
    memory: MemoryStatus
    jobs: JobsStatus
    counters: Counters
    versions: Versions
    limits: list[LimitStatus]
