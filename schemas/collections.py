"""Collections: the images of a folder, normalised alike, kept in the database."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.problems import Problem

NORMALISED = ("resize=80x90", "grayscale")
"""What becomes of each image unless a collection says otherwise; encoded as JPEG."""


class CollectionPipeline(BaseModel):
    """What is done to each image before it is kept, as in a batch: text or objects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations: list[Any] = Field(default_factory=lambda: list(NORMALISED))
    encode: dict[str, Any] = Field(default_factory=lambda: {"format": "jpeg"})


class Collection(BaseModel):
    """A collection; its pipeline is set when it is created, and stays."""

    model_config = ConfigDict(frozen=True)

    name: str
    pipeline: CollectionPipeline
    created_at: datetime


class CollectionEntry(BaseModel):
    """An image of a collection, without its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    width: int
    height: int
    bytes: int
    sha256: str = Field(description="Of the stored bytes.")
    created_at: datetime = Field(description="In UTC, to the millisecond.")


class CollectionImage(CollectionEntry):
    """An image of a collection, as it is stored."""

    image_base64: str


class Refused(BaseModel):
    """A file that did not become an image of the collection, and why."""

    name: str
    error: Problem


class Added(BaseModel):
    """What became of the files of a request, by name."""

    collection: str
    inserted: list[str]
    existing: list[str] = Field(description="Names that were there already; left as they were.")
    failed: list[Refused]


class CollectionPage(BaseModel):
    """Some images in the order of their names, how many there are, and the next page's cursor."""

    images: list[CollectionEntry]
    total: int
    next: str | None
