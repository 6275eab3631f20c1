"""What can go wrong with a source or a sink, wherever it lies."""

from typing import Literal

Side = Literal["input", "output"]
_ROOTS: dict[Side, str] = {"input": "DARKROOM_READ_ROOTS", "output": "DARKROOM_WRITE_ROOTS"}
_DONE: dict[Side, str] = {"input": "read", "output": "written"}


class StorageError(Exception):
    """Base of what can go wrong with a source or a sink; `str(error)` is fit for the user.

    StorageError
    ├── PathRefused         outside the allowed roots, or no plain file
    ├── SourceNotFound      there is no such file
    ├── SourceUnreadable    it is there and cannot be read
    ├── SourceTooLarge      it has more bytes than an image may have
    ├── SinkUnwritable      the result cannot be stored
    └── SinkTaken           another image of the batch is written there
    """

    side: Side = "input"


class PathRefused(StorageError):
    """The path lies outside the roots that requests may name, or names no plain file."""

    def __init__(self, detail: str, side: Side = "input") -> None:
        super().__init__(detail, side)
        self.side = side

    def __str__(self) -> str:
        return str(self.args[0])


class SourceNotFound(StorageError):
    """There is no such file."""


class SourceUnreadable(StorageError):
    """The file is there and cannot be read."""


class SourceTooLarge(StorageError):
    """The file has more bytes than an image may have."""


class SinkUnwritable(StorageError):
    """The result cannot be stored."""

    side = "output"


class SinkTaken(StorageError):
    """Another image of the batch, or another of its variants, is written to the same path."""

    side = "output"


def outside(path: str, side: Side) -> PathRefused:
    """The error for what lies below none of the roots."""
    return PathRefused(f"{path} may not be {_DONE[side]}: it lies outside {_ROOTS[side]}", side)


def no_url(path: str, side: Side, why: str) -> PathRefused:
    """The error for a URL that no root could allow."""
    return PathRefused(f"{path} may not be {_DONE[side]} below {_ROOTS[side]}: {why}", side)


def too_large(path: str, count: int, most: int) -> SourceTooLarge:
    """The error for a source of `count` bytes, or of more than `most` where that is not known."""
    limit = f"the limit is {most} (DARKROOM_MAX_IMAGE_BYTES)"
    found = f"{count} bytes" if count > most else f"more than {most} bytes"
    return SourceTooLarge(f"{path} has {found}; {limit}")
