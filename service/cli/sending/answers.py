"""What a stream answers, message by message."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.problems import Problem
from service.cli.report import problem_text
from service.cli.sending.wish import SendRefused
from service.logs import escape
from service.units import MIB

Message = str | bytes
Receive = Callable[[], Awaitable[Message]]

MAX_RESULT_BYTES = 256 * MIB
"""What is held of the results of one image."""

_MAX_RESULTS = 100_000
_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """What became of one image: `text` to show, and its results or the `problem`."""

    text: str
    results: tuple[bytes, ...] = ()
    problem: str | None = None


async def settled(receive: Receive) -> None:
    """Read the answer to the first message, the settings. Raises SendRefused."""
    found = _object(await receive())
    if found.get("type") == "error":
        raise SendRefused(_problem(found))
    if found.get("type") != "settings":
        raise SendRefused(
            "the server does not answer as Darkroom does; --text sends to one that only takes "
            "an image in base64 a message"
        )


async def any_answer(receive: Receive) -> Answer:
    """Read what a server says that only takes images: whatever it is, it is the answer."""
    message = await receive()
    found = _object(message)
    if found.get("type") == "error":
        return Answer(text="", problem=_problem(found))
    if isinstance(message, bytes):
        return Answer(f"{len(message)} bytes")
    return Answer(_ack(found) if found.get("type") == "ack" else escape(message[:_SHOWN]))


async def next_answer(receive: Receive) -> Answer:
    """Read the answer to one image. Raises SendRefused for what no Darkroom says."""
    message = await receive()
    if isinstance(message, bytes):
        return _of_results([message])
    found = _object(message)
    match found.get("type"):
        case "ack":
            return Answer(_ack(found))
        case "images":
            return await _several(found.get("count"), receive)
        case "error" if found.get("index") is not None:
            return Answer(text="", problem=_problem(found))
        case "error":
            raise SendRefused(_problem(found))
    raise SendRefused(f"the server does not answer as Darkroom does: {escape(message[:_SHOWN])}")


async def _several(count: Any, receive: Receive) -> Answer:
    if type(count) is not int or not 0 <= count <= _MAX_RESULTS:
        raise SendRefused(f"the server announces {str(count)[:_SHOWN]} results")
    results: list[bytes] = []
    for _ in range(count):
        message = await receive()
        if not isinstance(message, bytes):
            raise SendRefused(f"the server announces {count} results, and sends {len(results)}")
        results.append(message)
        if sum(map(len, results)) > MAX_RESULT_BYTES:
            raise SendRefused(f"the results of one image have more than {MAX_RESULT_BYTES} bytes")
    return _of_results(results)


def _of_results(results: list[bytes]) -> Answer:
    size = sum(map(len, results))
    many = f"{len(results)} images, " if len(results) != 1 else ""
    return Answer(f"{many}{size} bytes", tuple(results))


def _ack(found: dict[str, Any]) -> str:
    """Of an acknowledgement: `384x256, 12345 bytes, 8.3 ms in the server`."""
    width, height, size, time = (
        str(found.get(name, "?"))[:20] for name in ("width", "height", "bytes", "milliseconds")
    )
    return escape(f"{width}x{height}, {size} bytes, {time} ms in the server")


def _problem(found: dict[str, Any]) -> str:
    """The problem of an error: its detail, or title and faults where it is the settings'."""
    try:
        problem = Problem.model_validate(found.get("problem"))
    except ValidationError:
        return escape(json.dumps(found)[:_SHOWN])
    return problem_text(problem) if found.get("index") is None else escape(problem.detail)


def _object(message: Message) -> dict[str, Any]:
    """The JSON object that a text message is, an empty one where it is none."""
    if isinstance(message, bytes):
        return {}
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
