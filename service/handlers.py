"""Every error as a problem, and what OpenAPI says about them."""

import errno
import logging
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from processors.errors import ProcessorError
from processors.operation import plain_message
from schemas.problems import MEDIA_TYPE, Problem
from service.engine.base import EngineError
from service.errors import (
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    RequestError,
    TooManyFiles,
)
from service.problems import pointer, problem_of
from service.storage import StorageError
from service.store.base import StoreError
from service.suggestions import known_keys, nearest

_log = logging.getLogger("darkroom.http")

RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem of the request",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
}

_MOST_FAULTS = 100
_RETRY_AFTER_SECONDS = "5"
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
_CLIENT_CLOSED_REQUEST = 499
"""nginx's status for it; HTTP has none."""

_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
"""pydantic's words for it, of a model and of a dataclass."""

_NO_OBJECT = {"model_attributes_type", "model_type", "dataclass_type"}
"""Its words for what stands where an object belongs, read from objects and from JSON."""


def install(app: FastAPI) -> None:
    """Answer all errors of `app` with problems."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in (ProcessorError, StorageError, EngineError, StoreError, RequestError):
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _internal)


def problem_response(error: BaseException, headers: dict[str, str] | None = None) -> Response:
    """The answer for `error`."""
    problem = problem_of(error)
    headers = dict(headers or {})
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status in (429, 503):
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return Response(problem.model_dump_json(), problem.status, headers, MEDIA_TYPE)


def internal_error(error: Exception) -> Response:
    """The answer for an error that no other handler took; the log has its cause."""
    return problem_response(unexpected(error))


def unexpected(error: Exception) -> Exception:
    """What to tell a client about an error that nobody took; the log has its cause."""
    if isinstance(error, OSError) and error.errno in _NO_DESCRIPTORS:
        _log.warning("a request was put off: %s", error)
        return TooManyFiles("the server has too many open files for now")
    _log.error("unexpected %s", type(error).__name__, exc_info=error)
    return error


async def _known(request: Request, error: Exception) -> Response:
    return problem_response(error)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this; the log and the metrics show that it was the client that left."""
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _internal(request: Request, error: Exception) -> Response:
    return internal_error(error)


async def _invalid(request: Request, error: Exception) -> Response:
    return problem_response(
        request_error(cast(RequestValidationError, error), request.scope.get("route"))
    )


async def _http(request: Request, error: Exception) -> Response:
    http = cast(HTTPException, error)
    return problem_response(http_error(request, http), dict(http.headers or {}))


def http_error(request: Request, http: HTTPException) -> RequestError:
    """What the framework refuses, as an error of ours."""
    path = f"{request.method} {request.url.path}"
    if http.status_code == 404:
        return NotFound(f"there is nothing at {path}")
    if http.status_code == 405:
        return MethodNotAllowed(f"{path} is not allowed")
    # Text that is no UTF-8, nested too deep, or with too long a number: FastAPI hides which.
    detail = f"the body is not read as JSON: {http.__cause__}" if http.__cause__ else http.detail
    return MalformedRequest(detail)


def request_error(error: RequestValidationError, route: object = None) -> RequestError:
    """pydantic's findings as one error, with a pointer for each."""
    found = error.errors()
    # A hundred tell enough, and finding the nearest name for each takes time.
    faults = [_fault(item, error.body, route) for item in found[:_MOST_FAULTS]]
    if any(item["type"] == "json_invalid" for item in found):
        reason = found[0].get("ctx", {}).get("error", "")
        return MalformedRequest(f"the body is not JSON: {reason}")
    detail = "; ".join(f"{at or 'body'}: {what}" for at, what in faults[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return InvalidRequest(detail + more, faults)


def _fault(item: dict[str, Any], body: Any, route: object) -> tuple[str, str]:
    origin, *location = item["loc"]
    sent = body if origin in ("body", "form", "message") else dict.fromkeys(location)
    at = pointer(location, sent, missing=item["type"] == "missing")
    detail = plain_message(cast(Any, item))
    field = str(location[-1]) if location else ""
    if item["type"] in _UNKNOWN_KEY:
        return at, f"unknown key {field!r}{nearest(field, known_keys(origin, location, route))}"
    if item["type"] in _NO_OBJECT and location:
        return at, "is not a JSON object"
    if item["type"] == "model_attributes_type":
        return at, "send a JSON object, with Content-Type: application/json"
    if item["type"] == "missing":
        return at, "is required"
    named = field and not at.endswith(f"/{field}") and not field.isdigit()
    return at, f"{field}: {detail}" if named else detail
