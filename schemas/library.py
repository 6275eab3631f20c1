"""The library: the images below one folder, and what is known of each."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from processors.probing import ImageFormat
from schemas.problems import Problem

SortKey = Literal["path", "width", "height", "megapixels", "bytes", "modified"]
Sort = Literal[
    "path", "width", "height", "megapixels", "bytes", "modified",
    "-path", "-width", "-height", "-megapixels", "-bytes", "-modified",
]  # fmt: skip

MAX_PAGE = 500

Pixels = Annotated[int | None, Field(ge=0, le=1_000_000)]


class LibraryImage(BaseModel):
    """One image file. `path` is relative to the library's folder, with `/` between its parts."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Follows from the path: it stays the same over scans.")
    path: str
    width: int = Field(description="Pixels, as seen upright.")
    height: int = Field(description="Pixels, as seen upright.")
    megapixels: float
    format: ImageFormat
    bytes: int
    channels: int
    bit_depth: int
    modified: datetime = Field(description="When the file was last written, in UTC.")
    sha256: str
    perceptual_hash: str | None = Field(
        description="64 bits as 16 hex digits: alike for images that look alike. Null for an image "
        "that cannot be decoded."
    )


class ImageQuery(BaseModel):
    """Which images, in which order. Bounds are inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_width: Pixels = None
    max_width: Pixels = None
    min_height: Pixels = None
    max_height: Pixels = None
    format: ImageFormat | None = None
    name: str | None = Field(
        None, max_length=255, description="Part of the path, in any case of its letters."
    )
    sort: Sort = Field("path", description="A leading `-` turns the order round.")
    limit: int = Field(50, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(
        None, max_length=4096, description="`next` of the page before, for the same query."
    )


class ImagePage(BaseModel):
    """Some images, how many there are in all, and the cursor of the next page."""

    images: list[LibraryImage]
    total: int
    next: str | None


class KnownFile(BaseModel):
    """What tells a changed file from one that was indexed already."""

    model_config = ConfigDict(frozen=True)

    id: str
    path: str
    bytes: int
    modified: datetime


class ScanFailure(BaseModel):
    """A file that is no image, or not one that may be indexed."""

    path: str
    error: Problem


class ScanReport(BaseModel):
    """What a scan changed in the index."""

    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int
    failures: list[ScanFailure] = Field(description="The first hundred of them.")


class SimilarImage(BaseModel):
    """An image, and in how many of 64 bits its perceptual hash differs."""

    distance: int
    image: LibraryImage
