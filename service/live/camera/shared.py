"""The camera as the routes use it: viewers, pictures, recordings, settings."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import ParamSpec, TypeVar

from processors.plan import Pipeline
from service.camera.address import Address
from service.camera.camera import Setting
from service.camera.pictures import FULL_QUALITY, NumberedFile, pictures_in, recordings_in
from service.camera.sources import open_source
from service.engine.base import EngineClosed
from service.engine.dispatch import Dispatcher
from service.errors import CameraBusy
from service.live.camera.capture import Capture, Opener
from service.live.camera.channel import Channel, Part
from service.live.camera.looks import Look, Maker
from service.live.camera.recording import Recorder
from service.settings.camera import CameraSettings

P = ParamSpec("P")
Result = TypeVar("Result")

MOST_CHANNELS = 16
"""Parameter sets at once: each takes a thread and makes every frame anew."""

_CALLS = 4
"""That may wait for the camera at once: they must not use up the threads of others."""


class Viewer:
    """Reads a channel at its own pace: a slow one gets fewer pictures. To be closed in the end."""

    def __init__(self, camera: "SharedCamera", channel: Channel) -> None:
        self._camera, self._channel = camera, channel
        self._seen = 0
        self._closed = False

    async def part(self) -> Part | None:
        """The newest part that it has not had, as soon as there is one; None at the end."""
        part = await self._channel.next(self._seen)
        if part is None or self._closed:
            return None
        self._seen = part.number
        return part

    async def next(self) -> bytes | None:
        """The part as a chunk of a stream."""
        part = await self.part()
        return None if part is None else part.chunk

    def close(self) -> None:
        """Idempotent."""
        if not self._closed:
            self._closed = True
            self._camera.leave(self._channel)


class SharedCamera:
    """One camera for all. No device is touched before somebody needs it.

    It belongs to no event loop. What blocks says so.
    """

    def __init__(
        self,
        settings: CameraSettings,
        dispatcher: Dispatcher,
        opener: Opener = open_source,
    ) -> None:
        self.address = Address.parse(settings.camera.get_secret_value())
        self.pictures = pictures_in(settings.camera_pictures)
        self.recordings = recordings_in(settings.camera_pictures)
        self.most_viewers = settings.camera_viewers
        self.encodes = 0
        self._most_bytes = settings.camera_max_recording
        self._dispatcher, self._opener = dispatcher, opener
        self._lock = threading.Lock()
        self._calls = ThreadPoolExecutor(_CALLS, thread_name_prefix="camera call")
        self._channels: dict[object, Channel] = {}
        self._open()

    def reopen(self) -> None:
        """Let a closed camera be used again, as an application can be. Else it does nothing."""
        if self._ended:
            self._open()

    def _open(self) -> None:
        self._ended = False
        self.capture = Capture(self.address, self._opener)
        self.recorder = Recorder(self.capture, self.recordings, self._most_bytes)

    async def call(
        self, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        """What `function`, which blocks, gives: in a thread of the camera's."""
        called = partial(copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._calls, called)

    @property
    def viewers(self) -> int:
        return sum(channel.viewers for channel in list(self._channels.values()))

    # --- watching ------------------------------------------------------------------------------

    def watch(
        self, pipeline: Pipeline, width: int | None = None, fps: float | None = None
    ) -> Viewer:
        """A viewer more, as Look.of. Raises InvalidRequest, CameraBusy and EngineClosed."""
        look = Look.of(pipeline, width, fps)
        with self._lock:
            if self._ended:
                raise EngineClosed
            if self.viewers >= self.most_viewers:
                raise CameraBusy(
                    f"{self.most_viewers} viewers are there, the limit (DARKROOM_CAMERA_VIEWERS)"
                )
            channel = self._channels.get(look.key) or self._new_channel(look)
            channel.viewers += 1
            self.capture.hold()
        return Viewer(self, channel)

    def _new_channel(self, look: Look) -> Channel:
        if len(self._channels) >= MOST_CHANNELS:
            raise CameraBusy(
                f"the picture is shown in {MOST_CHANNELS} ways, the limit: use parameters that "
                "another viewer has"
            )
        maker = Maker(look, self._dispatcher)
        channel = Channel(look, self.capture, maker, self._count)
        self._channels[look.key] = channel
        channel.start()
        return channel

    def leave(self, channel: Channel) -> None:
        """A viewer less."""
        with self._lock:
            channel.viewers -= 1
            if not channel.viewers:
                if self._channels.get(channel.look.key) is channel:
                    del self._channels[channel.look.key]
                channel.end()
        self.capture.release()

    def _count(self) -> None:
        with self._lock:
            self.encodes += 1

    async def frame(self, pipeline: Pipeline, width: int | None = None) -> bytes:
        """One picture as JPEG. Raises as `watch`, and why there is none."""
        viewer = self.watch(pipeline, width)
        try:
            part = await viewer.part()
        finally:
            viewer.close()
        if part is None:
            raise EngineClosed
        if part.problem is not None:
            raise part.problem
        return part.jpeg

    # --- keeping -------------------------------------------------------------------------------

    def take_picture(self, pipeline: Pipeline) -> NumberedFile:
        """Save the current frame in full quality; it blocks.

        Raises CameraUnavailable, SinkUnwritable, and as Maker.
        """
        look = Look.of(replace(pipeline, encode=FULL_QUALITY))
        self.capture.hold()
        try:
            image = self.capture.picture()
        finally:
            self.capture.release()
        with closing(Maker(look, self._dispatcher)) as maker:
            return self.pictures.save(maker.make(image))

    # --- settings ------------------------------------------------------------------------------

    def settings(self) -> list[Setting]:
        return self.capture.settings()

    def change(self, values: Mapping[str, float | None]) -> None:
        """Take settings; None puts one back. It blocks until the source has been told."""
        self.capture.change(values)

    # --- the end -------------------------------------------------------------------------------

    def end_streams(self) -> None:
        """End all viewers; no more are let in. A recording goes on until `close`."""
        with self._lock:
            self._ended = True
            channels = list(self._channels.values())
        for channel in channels:
            channel.end()

    def close(self) -> None:
        """Finish the recording and let go of the source. It blocks. Idempotent."""
        self.end_streams()
        self.recorder.close()
        self.capture.close()
