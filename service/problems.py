"""From an exception to the body that a client gets, and where in its request the fault is."""

from collections.abc import Mapping, Sequence
from typing import Any

from processors import errors as image
from schemas.problems import Fault, Problem
from service import storage
from service.errors import INTERNAL, TYPE_PREFIX, RequestError, kind_of

_ABSENT = object()


def problem_of(error: BaseException, index: int | None = None) -> Problem:
    """The body for `error`, met by image `index` of the request if it was one image's.

    An error that is not ours says nothing of itself.
    """
    kind = kind_of(error)
    detail = kind.advice if kind is INTERNAL else str(error)
    faults = [Fault(pointer=at, detail=what) for at, what in _faults(error)]
    if index is not None and not faults:
        faults = [Fault(pointer=f"/images/{index}{_side(error)}", detail=detail)]
    return Problem(
        type=TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=faults,
    )


def step_pointer(error: image.StepFailed) -> str:
    """Where in the request the operation is that failed."""
    if isinstance(error.step, tuple):
        variant, at = error.step
        return f"/variants/{variant}/operations/{at}"
    return f"/operations/{error.step}"


def _faults(error: BaseException) -> Sequence[tuple[str, str]]:
    if isinstance(error, RequestError):
        return error.faults
    if isinstance(error, image.StepFailed) and error.step is not None:
        return [(step_pointer(error), str(error))]
    return ()


def _side(error: BaseException) -> str:
    """The field of an image that is at fault; empty when it is neither path nor file."""
    if isinstance(error, storage.StorageError):
        return f"/{error.side}"
    if isinstance(error, image.EncodeError):
        return "/output"
    return "/input" if isinstance(error, image.ImageError) else ""


def pointer(location: Sequence[str | int], body: Any, missing: bool = False) -> str:
    """The JSON Pointer for pydantic's `location` in `body`.

    pydantic puts the chosen member of a union between the real keys: what is not there in `body`
    is left out, save for the last part where that is what is `missing`.
    """
    parts: list[str] = []
    for place, part in enumerate(location):
        inner = _member(body, part)
        # A key can be missing in an object, not in an operation's text.
        left_out = missing and place == len(location) - 1 and isinstance(body, Mapping)
        if inner is not _ABSENT or left_out:
            parts.append(str(part).replace("~", "~0").replace("/", "~1"))
            body = inner
    return "".join(f"/{part}" for part in parts)


def _member(body: Any, part: str | int) -> Any:
    """What `body` has at `part`, which may be null; _ABSENT when there is nothing."""
    if isinstance(body, Mapping):
        return body.get(part, _ABSENT)
    if isinstance(body, list) and isinstance(part, int) and part < len(body):
        return body[part]
    return _ABSENT
