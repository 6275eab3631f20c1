"""Pictures one after another in one answer, as browsers show them: multipart/x-mixed-replace."""

import asyncio
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

BOUNDARY = b"frame"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}"
_FIRST = b"--" + BOUNDARY + b"\r\n"


class Chunks(Protocol):
    """What a stream sends."""

    async def next(self) -> bytes | None:
        """The newest part as soon as there is one that was not sent; None at the end."""
        ...

    def close(self) -> None:
        """Nobody reads any more."""
        ...


def chunk(jpeg: bytes) -> bytes:
    """A part, with the boundary behind it: a browser shows a part when it has seen its end."""
    head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
    return head + jpeg + b"\r\n" + _FIRST


class MultipartStream(Response):
    """Sends chunks until the client leaves, or there are no more.

    Leaner than a StreamingResponse: the bytes are shared by all clients, and no task group, copy
    or iterator stands between. A client that reads slowly is waited for; it gets what is newest
    then.
    """

    media_type = MEDIA_TYPE

    def __init__(self, chunks: Chunks) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.ensure_future(_left(receive, self._chunks))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._send_all(send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            self._chunks.close()

    async def _send_all(self, send: Send) -> None:
        message: Message = {"type": "http.response.body", "body": _FIRST, "more_body": True}
        await send(message)
        while (data := await self._chunks.next()) is not None:
            await send({"type": "http.response.body", "body": data, "more_body": True})


async def _left(receive: Receive, chunks: Chunks) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    chunks.close()
