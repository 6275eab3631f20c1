"""One connection of the image stream: images in, answers out, in their order."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from schemas.stream import StreamRequest, text_limit
from service.engine.base import ItemResult, WorkItem
from service.engine.window import TASKS_A_WORKER
from service.live.answers import Frames, acknowledgement, failure, images
from service.live.messages import (
    Incoming,
    Rules,
    checked,
    from_text,
    is_settings,
    rules_of,
    settings_answer,
    stream_request,
)
from service.live.window import Window
from service.recipes import resolved
from service.services import Services
from service.transfer import MemoryFile, MemorySink, MemorySource

_log = logging.getLogger("darkroom.stream")

GOING_AWAY, TOO_BIG = 1001, 1009
"""Codes of closing, RFC 6455, section 7.4.1."""

_WINDOWS = 2
"""As many messages as two batches: an image that takes long has others ready behind it."""

_LARGE = 1024 * 1024
"""Bytes whose copying or decoding is left to a thread."""

Result = TypeVar("Result")


@dataclass(slots=True)
class _Pending:
    """An answer in the making, and the length of what it answers."""

    frames: asyncio.Task[Frames]
    count: int


class Session:
    """A WebSocket from its handshake to its end."""

    def __init__(self, socket: WebSocket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._limit = services.limits.max_bytes
        self._rules = rules_of(StreamRequest())
        most = _WINDOWS * TASKS_A_WORKER * services.engine.workers
        self._window = Window(most, self._limit)
        self._answers: asyncio.Queue[_Pending | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Frames]] = set()
        self._processing = 0
        self._images = 0
        self._failed = 0
        self._code: int | None = None
        self._given_up = False
        self._reading: asyncio.Task[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Serve it to its end."""
        try:
            await self._socket.accept()
            client = self._socket.client
            _log.info("stream opened by %s", f"{client.host}:{client.port}" if client else "?")
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(lambda _: self._answers.put_nowait(None))
            self._answering = asyncio.create_task(self._answer())
            await asyncio.wait([self._answering])
        except asyncio.CancelledError:
            self._given_up = True
            raise
        finally:
            await self._end()
            _log.info("stream ended: %d images, %d failed", self._images, self._failed)

    async def stop(self, seconds: float) -> None:
        """Read nothing more, answer what is there within `seconds`, and close."""
        self._code = GOING_AWAY
        if self._reading is not None:  # else it is in its handshake, and ends before it reads
            self._reading.cancel()
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            self._given_up = True
            if self._answering is not None:
                self._answering.cancel()
            await self._ended.wait()

    async def _end(self) -> None:
        """What is under way is waited for: who comes back again and again is held to the limit."""
        if self._reading is not None:
            self._reading.cancel()
        both = [one for one in (self._reading, self._answering) if one is not None]
        if self._given_up:
            for task in (*both, *self._tasks):
                task.cancel()
        for error in await asyncio.gather(*both, *self._tasks, return_exceptions=True):
            if isinstance(error, Exception):
                _log.error("unexpected %s", type(error).__name__, exc_info=error)
        self._ended.set()

    async def _read(self) -> None:
        while self._code is None:
            await self._window.room()
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await self._take(message, perf_counter())

    async def _take(self, message: Any, received: float) -> None:
        """Begin what a message asks for."""
        content: str | bytes = message.get("text") or message.get("bytes") or b""
        if isinstance(content, str) and is_settings(content):
            change = asyncio.create_task(self._change(content))
            self._add(change, len(content))
            await asyncio.wait([change])  # what comes next is to be done by the new settings
            return
        limit = self._limit if isinstance(content, bytes) else text_limit(self._limit)
        if len(content) > limit:
            self._code = TOO_BIG
            return
        urgent = self._processing == 0
        answer = self._image(content, self._images, self._rules, urgent, received)
        self._images += 1
        self._processing += 1
        self._add(asyncio.create_task(answer), len(content))

    def _add(self, frames: asyncio.Task[Frames], count: int) -> None:
        self._tasks.add(frames)
        frames.add_done_callback(self._tasks.discard)
        self._window.enter(count)
        self._answers.put_nowait(_Pending(frames, count))

    async def _answer(self) -> None:
        """Send the answers in the order of the messages."""
        with suppress(WebSocketDisconnect):
            while (pending := await self._answers.get()) is not None:
                frames = await pending.frames
                for frame in frames:
                    await self._send(frame)
                self._window.leave(pending.count + sum(map(len, frames)))
            if self._code is not None:
                await self._socket.close(self._code)

    async def _send(self, frame: str | bytes) -> None:
        """Wait until the peer has room for it."""
        if isinstance(frame, str):
            await self._socket.send_text(frame)
        else:
            await self._socket.send_bytes(frame)

    async def _change(self, text: str) -> Frames:
        """Take new settings over, or keep those of before."""
        try:
            request = await resolved(stream_request(text), self._services.store.recipes)
            self._services.check_counts((), request.operations)
        except Exception as error:  # noqa: BLE001 - one message must not end the others
            return self._grown([failure(error, None)])
        self._rules = rules_of(request)
        return self._grown([settings_answer(request).model_dump_json()])

    async def _image(
        self, content: str | bytes, index: int, rules: Rules, urgent: bool, received: float
    ) -> Frames:
        try:
            frames = await self._processed(content, index, rules, urgent, received)
        except Exception as error:  # noqa: BLE001 - one image must not end the others
            self._failed += 1
            frames = [failure(error, index)]
        finally:
            self._processing -= 1
        _log.debug("image %d: %d in, answers: %s", index, len(content), [*map(len, frames)])
        return self._grown(frames)

    def _grown(self, frames: Frames) -> Frames:
        self._window.grow(sum(map(len, frames)))
        return frames

    async def _processed(
        self, content: str | bytes, index: int, rules: Rules, urgent: bool, received: float
    ) -> Frames:
        """The answer for an image. Raises what the image failed with."""
        dispatcher = self._services.dispatcher
        try:
            image = await _elsewhere(len(content), self._incoming, content)
        except Exception as error:
            dispatcher.observe(rules.pipeline, [ItemResult(index, error=error)])
            raise
        count = len(image.data)
        with MemoryFile() as held:
            await _elsewhere(count, held.write, image.data)
            sink = MemorySink(held.path, offset=count)
            item = WorkItem(index, MemorySource(held.path, 0, count), sink)
            result = await dispatcher.run_one(rules.pipeline, item, urgent)
            if result.error is not None:
                raise result.error
            if rules.acknowledged(image.text):
                taken = (perf_counter() - received) * 1000
                return [acknowledgement(result, taken, rules.skipped)]
            size = sum(output.bytes for output in result.outputs)
            return await _elsewhere(size, images, image, result, held, count)

    def _incoming(self, content: str | bytes) -> Incoming:
        if isinstance(content, str):
            return from_text(content, self._limit)
        return checked(Incoming(content), self._limit)


async def _elsewhere(count: int, function: Callable[..., Result], *arguments: Any) -> Result:
    """`function(*arguments)`, in a thread when it is about many bytes."""
    if count > _LARGE:
        return await asyncio.to_thread(function, *arguments)
    return function(*arguments)
