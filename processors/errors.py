"""Every way that image work can fail.

    ProcessorError
    ├── OperationError            the request is at fault, whatever the image
    │   ├── UnknownOperation          no operation of that name
    │   ├── InvalidArguments          its parameters do not fit
    │   └── DuplicateOperation        two operations claim one name
    ├── StepFailed                an operation could not be applied to this image
    ├── ImageError                the image is at fault
    │   ├── UnsupportedFormat         not one of the formats on the allow-list
    │   ├── DamagedImage              truncated, or its data contradict themselves
    │   └── ImageTooLarge             over a limit of bytes, pixels or sides
    ├── ResourceUnavailable       an image that an operation needs cannot be read
    ├── EncodeError               the result cannot be written in the wanted format
    └── OutOfMemory               the memory of a worker did not suffice

`str(error)` is one sentence fit for the user's eyes.
"""

from typing import NamedTuple


class ProcessorError(Exception):
    """Base of all errors of image work."""


class OperationError(ProcessorError):
    """An operation of the request is at fault, whatever the image."""


class UnknownOperation(OperationError):
    """No operation of that name is registered."""


class Problem(NamedTuple):
    """One fault in an operation's parameters: the path of field names to it, and what is wrong."""

    path: tuple[str | int, ...]
    detail: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.detail}" if self.path else self.detail


class InvalidArguments(OperationError):
    """The parameters of an operation do not fit; `problems` lists each fault."""

    def __init__(self, op: str, *problems: Problem) -> None:
        super().__init__(op, *problems)
        self.op = op
        self.problems = problems

    def __str__(self) -> str:
        return f"{self.op}: {'; '.join(map(str, self.problems))}"


class DuplicateOperation(OperationError):
    """Two operations claim one name or alias."""


Position = int | tuple[int, int]
"""Where an operation is in a request: its index, or those of a variant and of its operation."""


class StepFailed(ProcessorError):
    """An operation could not be applied to this image.

    `step` is where it is in the request, None for a step that the planner added.
    """

    def __init__(self, op: str, detail: str, step: Position | None = None) -> None:
        super().__init__(op, detail, step)
        self.op = op
        self.detail = detail
        self.step = step

    def __str__(self) -> str:
        return f"{self.op}: {self.detail}"


class ImageError(ProcessorError):
    """The image itself is at fault."""


class UnsupportedFormat(ImageError):
    """The first bytes are those of no format on the allow-list."""


class DamagedImage(ImageError):
    """The image is truncated or its data contradict themselves."""


class ImageTooLarge(ImageError):
    """The image is over a limit of bytes, pixels or sides."""


class ResourceUnavailable(ProcessorError):
    """An image that an operation needs beside its input cannot be read."""


class EncodeError(ProcessorError):
    """The result cannot be written in the wanted format."""


class OutOfMemory(ProcessorError):
    """The memory that a worker may use did not suffice."""
