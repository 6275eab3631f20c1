"""Sending many images over a connection that may be lost, each answered in its turn."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from processors.errors import UnsupportedFormat
from service.cli.sending.answers import MAX_RESULT_BYTES, Answer
from service.cli.sending.pace import Pace, Patience
from service.cli.sending.saving import Saver
from service.cli.sending.screen import Screen
from service.cli.sending.stream import (
    ANSWER_SECONDS,
    NotOpen,
    Stream,
    is_image_too_large,
    is_result_too_large,
    opened,
    reason_of,
)
from service.cli.sending.tally import SendTally
from service.cli.sending.wish import StreamLost, Wish
from service.storage import StorageError
from service.units import MIB

WINDOW = 16
"""Images that are sent and not yet answered: enough for the workers of a server."""

_MAX_IMAGE_BYTES = 256 * MIB
_ATTEMPTS = 3


@dataclass(eq=False)
class Picture:
    """An image to send; `losses` counts connections that ended when it alone was under way."""

    index: int
    path: str
    bytes: int = 0
    sent: float = 0.0
    losses: int = 0


class Sender:
    """Sends `paths`, which lie below `folder`, in this order; `changed` is called as it goes on.

    What was not answered when a connection is lost is sent again on the next one, at first one
    by one: so the image that ends connections is found, and fails alone.
    """

    def __init__(
        self, folder: Path, paths: list[str], wish: Wish, screen: Screen, saver: Saver | None
    ) -> None:
        self.tally = SendTally(len(paths))
        self.changed: Callable[[], None] = lambda: None
        self._folder, self._wish, self._screen, self._saver = folder, wish, screen, saver
        self._waiting = deque(Picture(index, path) for index, path in enumerate(paths))
        self._unanswered: deque[Picture] = deque()
        self._suspects = 0
        self._refused: int | None = None
        """Bytes of the smallest image that was larger than the server takes."""
        self._patience = Patience()
        self._pace = Pace(wish.rate)

    async def run(self) -> None:
        """Send until all are answered. Raises SendError."""
        while self._waiting:
            try:
                async with opened(self._wish) as stream:
                    self._patience.reached = True
                    await self._exchange(stream, self._suspects, 1)
                    await self._exchange(stream, len(self._waiting), WINDOW)
            except ConnectionClosed as closed:
                await self._go_on_after(closed)
            except NotOpen as error:
                if self._patience.reached:
                    self._screen.note(str(error))
                await self._patience.wait(str(error))

    async def _exchange(self, stream: Stream, count: int, window: int) -> None:
        """Send the next `count` images, at most `window` of them unanswered at a time."""
        under_way: asyncio.Queue[Picture | None] = asyncio.Queue()
        free = asyncio.Semaphore(window)

        async def send() -> None:
            for _ in range(count):
                await free.acquire()
                data = await self._read_next()
                if data is None:
                    free.release()
                    continue
                await self._pace.wait()
                picture = self._waiting.popleft()
                picture.bytes, picture.sent = len(data), time.monotonic()
                self._unanswered.append(picture)
                under_way.put_nowait(picture)
                try:
                    await stream.send(data)
                except ConnectionClosed:
                    return  # there may still be answers to read, and then the end is met again

        sending = asyncio.create_task(send())
        sending.add_done_callback(lambda _: under_way.put_nowait(None))
        try:
            while picture := await under_way.get():
                await self._settle(picture, await self._answer(stream))
                free.release()
            await sending
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _read_next(self) -> bytes | None:
        """The bytes of the next image, which stays in the queue; None where it has failed."""
        picture = self._waiting[0]
        try:
            data = await asyncio.to_thread(_read, self._folder / picture.path)
        except OSError as error:
            problem = f"cannot be read: {error.strerror or error}"
        else:
            if self._refused is None or len(data) < self._refused:
                return data
            problem = f"not sent: {self._refused} bytes were more than the server takes"
        self._waiting.popleft()
        self._suspects = max(0, self._suspects - 1)
        self._fail(picture, problem)
        return None

    async def _answer(self, stream: Stream) -> Answer:
        try:
            return await stream.answer()
        except TimeoutError:
            raise StreamLost(f"the server did not answer for {ANSWER_SECONDS:.0f} s") from None

    async def _settle(self, picture: Picture, answer: Answer) -> None:
        latency = time.monotonic() - picture.sent
        problem = answer.problem or await self._save(picture, answer)
        # Only now: what is not saved is not answered.
        self._unanswered.popleft()
        self._suspects = max(0, self._suspects - 1)
        self._patience.found()
        if problem is not None:
            self._fail(picture, problem)
            return
        self.tally.acknowledged += 1
        self.tally.latencies.append(latency)
        self._screen.note(f"{picture.path}: {answer.text}, answered in {latency * 1000:.1f} ms")
        self.changed()

    async def _save(self, picture: Picture, answer: Answer) -> str | None:
        """Write the results where they are wanted. Gives the problem, if there is one."""
        if self._saver is None:
            return None
        if not answer.results:
            return "the server has no result for it"
        try:
            await asyncio.to_thread(self._saver.save, picture.path, answer.results)
        except (StorageError, UnsupportedFormat) as error:
            return str(error)
        return None

    def _fail(self, picture: Picture, problem: str) -> None:
        self.tally.fail(picture.index, picture.path, problem)
        self._screen.note(f"{picture.path}: failed: {problem}")
        self.changed()

    async def _go_on_after(self, closed: ConnectionClosed) -> None:
        """Find out whether an image ended the connection, and wait a moment."""
        reason = f"{self._wish.url}: the connection was lost: {reason_of(closed)}"
        if self._patience.reached:
            self._screen.note(reason)
        found = self._blamed(closed)
        # One that was closed for a size is not away.
        away = not (self._unanswered and is_image_too_large(closed))
        if found is not None:
            self._unanswered.remove(found[0])
            self._fail(*found)
            self._patience.found()
        self._suspects = len(self._unanswered)
        self._waiting.extendleft(reversed(self._unanswered))
        self._unanswered.clear()
        if away:
            await self._patience.wait(reason)

    def _blamed(self, closed: ConnectionClosed) -> tuple[Picture, str] | None:
        """The image that ended the connection, with the reason, if it is certain which one."""
        if not self._unanswered:
            return None
        picture = self._unanswered[0]
        if is_result_too_large(closed):
            return picture, f"its result has more than {MAX_RESULT_BYTES} bytes"
        if len(self._unanswered) > 1:
            return None
        if is_image_too_large(closed):
            self._refused = picture.bytes
            size = f"{picture.bytes} bytes are more than the server takes"
            return picture, f"{size}: {reason_of(closed)}"
        picture.losses += 1
        if picture.losses == _ATTEMPTS:
            return picture, f"the connection was lost {_ATTEMPTS} times while it was under way"
        return None


def _read(path: Path) -> bytes:
    """The bytes of an image. Raises OSError, also for one that no server would take."""
    with path.open("rb") as file:
        data = file.read(_MAX_IMAGE_BYTES + 1)
    if len(data) > _MAX_IMAGE_BYTES:
        raise OSError(f"it has more than {_MAX_IMAGE_BYTES} bytes")
    return data
