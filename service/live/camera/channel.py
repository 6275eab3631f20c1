"""One parameter set: each frame is made once, and handed to all who wait for it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

from processors.errors import ProcessorError
from processors.operation import Image, Size
from service.camera.lettering import notice
from service.engine.base import EngineClosed, EngineError
from service.errors import CameraUnavailable
from service.live.camera.capture import Capture, Frame
from service.live.camera.looks import Look, Maker
from service.multipart import chunk
from service.storage import StorageError

_log = logging.getLogger("darkroom.camera")

SILENT_SECONDS = 2.0
"""Without a picture for so long, viewers are told that there is none."""

_AFTER_FAILURE_SECONDS = 1.0
_USUAL_SIZE = Size(640, 480)
_FAILURES = (ProcessorError, StorageError, EngineError)


@dataclass(frozen=True, slots=True)
class Part:
    """A picture as JPEG, and as the part of a stream; with a `problem`, a notice in its place."""

    number: int
    jpeg: bytes
    chunk: bytes
    problem: Exception | None = None


class Channel:
    """Makes the newest frame look as wanted while it has viewers, in a thread of its own.

    There is never more than one frame under way: what comes meanwhile is left out.
    """

    def __init__(
        self, look: Look, capture: Capture, maker: Maker, count: Callable[[], None]
    ) -> None:
        self.look = look
        self.viewers = 0
        self._capture = capture
        self._maker = maker
        self._count = count
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._part: Part | None = None
        self._due = 0.0
        self._waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self._thread = threading.Thread(target=self._run, name="camera channel", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Make no more; who waits learns that it is over."""
        self._ended.set()
        self._wake()

    async def next(self, after: int) -> Part | None:
        """The newest part as soon as it has another number than `after`; None at the end."""
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                if self._ended.is_set():
                    return None
                if self._part is not None and self._part.number != after:
                    return self._part
                future = loop.create_future()
                self._waiting.setdefault(loop, []).append(future)
            await future

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for loop, futures in waiting.items():
            with suppress(RuntimeError):  # it is closed, and with it all who waited there
                loop.call_soon_threadsafe(_resolve, futures)

    def _publish(self, number: int, jpeg: bytes, problem: Exception | None = None) -> None:
        with self._lock:
            self._part = Part(number, jpeg, chunk(jpeg), problem)
        self._wake()

    def _run(self) -> None:
        with closing(self._maker):
            self._show()

    def _show(self) -> None:
        seen = number = 0
        while not self._ended.wait(self._pause()):
            frame = self._capture.newer(seen, SILENT_SECONDS)
            if self._ended.is_set():
                return
            number += 1
            seen = seen if frame is None else frame.number
            try:
                self._make(number, frame)
            except EngineClosed:
                self.end()
            except Exception:  # noqa: BLE001 - whatever it is, viewers must not hang
                _log.exception("the camera's picture cannot be made")
                self.end()

    def _pause(self) -> float:
        """Seconds until the next picture is wanted."""
        if self._part is not None and isinstance(self._part.problem, _FAILURES):
            return _AFTER_FAILURE_SECONDS  # the next frame will hardly fare better
        if self.look.fps is None:
            return 0.0
        now = time.monotonic()
        self._due = max(self._due + 1 / self.look.fps, now)
        return self._due - now

    def _make(self, number: int, frame: Frame | None) -> None:
        """Raises EngineClosed."""
        if frame is None or frame.image is None:
            detail = frame.problem if frame is not None else None
            detail = detail or f"no picture from {self._capture.name} yet"
            self._tell(number, "no picture", CameraUnavailable(detail), self._capture.size)
            return
        try:
            jpeg = self._maker.make(frame.image)
        except EngineClosed:
            raise
        except _FAILURES as error:
            self._tell(number, "cannot be shown so", error, _size(frame.image))
            return
        self._count()
        self._publish(number, jpeg)

    def _tell(self, number: int, title: str, problem: Exception, size: Size | None) -> None:
        image = notice(size or _USUAL_SIZE, title, str(problem))
        self._publish(number, self._maker.make_here(image), problem)


def _size(image: Image) -> Size:
    return Size(image.shape[1], image.shape[0])


def _resolve(futures: list["asyncio.Future[None]"]) -> None:
    for future in futures:
        if not future.done():  # a viewer may have left
            future.set_result(None)
