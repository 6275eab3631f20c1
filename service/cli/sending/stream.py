"""The connection to a stream: how it is opened, and what it means when it is not."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.http11 import Response

from schemas.problems import Problem
from service.cli.report import problem_text
from service.cli.sending.answers import (
    MAX_RESULT_BYTES,
    Answer,
    any_answer,
    next_answer,
    settled,
)
from service.cli.sending.wish import SendRefused, Wish
from service.logs import escape

ANSWER_SECONDS = 120.0
"""How long one image may take: a server that is alive, and says nothing, is given up then."""

_OPEN_SECONDS, _AGREE_SECONDS, _CLOSE_SECONDS = 10.0, 30.0, 3.0
_UNAUTHORIZED = 401
_BUSY = frozenset((429, 500, 502, 503, 504))


class NotOpen(Exception):
    """The connection cannot be opened now; `str(error)` says why."""


class Stream:
    """An open connection, on which the settings are agreed."""

    def __init__(self, connection: ClientConnection, text: bool) -> None:
        self._connection = connection
        self._text = text

    async def send(self, image: bytes) -> None:
        """Send an image, and wait while the server does not read. Raises ConnectionClosed."""
        await self._connection.send(base64.b64encode(image).decode() if self._text else image)

    async def answer(self) -> Answer:
        """The answer to the next image. Raises ConnectionClosed, SendRefused and TimeoutError."""
        read = any_answer if self._text else next_answer
        async with asyncio.timeout(ANSWER_SECONDS):
            return await read(self._connection.recv)


@asynccontextmanager
async def opened(wish: Wish) -> AsyncIterator[Stream]:
    """A connection for `wish`, closed with a close frame at the end.

    Raises SendRefused where trying again is no help, NotOpen where it may be, and
    ConnectionClosed when it is lost meanwhile.
    """
    connection = await _connected(wish)
    try:
        if not wish.text:
            await _agree(connection, wish)
        yield Stream(connection, wish.text)
    finally:
        await connection.close()


async def _connected(wish: Wish) -> ClientConnection:
    # A Bearer is not handed on to another host that the server may redirect to.
    headers = {"Authorization": f"Bearer {wish.api_key.strip()}"} if wish.api_key else {}
    try:
        return await connect(
            wish.url,
            additional_headers=headers,
            compression=None,  # images are compressed
            max_size=MAX_RESULT_BYTES,
            max_queue=2,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
        )
    except InvalidURI:
        raise SendRefused(
            f"--url {wish.url!r}: write it as ws://localhost:8888/v1/stream"
        ) from None
    except InvalidStatus as error:
        raise _refusal(wish, error.response) from None
    except (OSError, WebSocketException, ImportError) as error:
        reason = str(error) or type(error).__name__
        raise NotOpen(
            escape(f"{wish.url} cannot be reached: {reason}; --url names another server")
        ) from None


async def _agree(connection: ClientConnection, wish: Wish) -> None:
    await connection.send(json.dumps(wish.settings()))
    try:
        async with asyncio.timeout(_AGREE_SECONDS):
            await settled(connection.recv)
    except TimeoutError:
        raise SendRefused(
            f"{wish.url} does not answer; --text sends to a server that only takes images"
        ) from None


def _refusal(wish: Wish, response: Response) -> SendRefused | NotOpen:
    said = f"{wish.url} answers {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in _BUSY:
        return NotOpen(said)
    if response.status_code == _UNAUTHORIZED:
        which = "another API key" if wish.api_key else "an API key"
        return SendRefused(f"{said}: it wants {which}, by --api-key or DARKROOM_API_KEY")
    return SendRefused(f"{said}: there is no stream; its path is /v1/stream{_details(response)}")


def _details(response: Response) -> str:
    try:
        return f"\n{problem_text(Problem.model_validate_json(response.body or b''))}"
    except ValidationError:
        return ""


def is_image_too_large(closed: ConnectionClosed) -> bool:
    """Whether the server did not take a message for its size."""
    found = closed.rcvd is not None and closed.rcvd.code == _TOO_LARGE
    return found and not is_result_too_large(closed)


def is_result_too_large(closed: ConnectionClosed) -> bool:
    """Whether it was this side that did not take a message for its size."""
    return closed.sent is not None and closed.sent.code == _TOO_LARGE and not closed.rcvd_then_sent


def reason_of(closed: ConnectionClosed) -> str:
    """Why a connection was closed, in the words of the side that did it."""
    frame = closed.sent if is_result_too_large(closed) else closed.rcvd
    return escape(str(closed if frame is None else frame))


_TOO_LARGE = 1009
"""https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1"""
