"""The one thread that reads the camera, from the first who needs it until after the last."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from processors.operation import Image, Size
from service.camera.address import Address
from service.camera.camera import OpenCamera, Setting, setting
from service.camera.controls import CONTROLS
from service.camera.errors import SourceFailed
from service.camera.sources import Source, open_source
from service.errors import CameraUnavailable

_log = logging.getLogger("darkroom.camera")

GRACE_SECONDS = 2.0
"""How long the source stays open after the last one has left: pages are reloaded."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Between attempts to open a source that fails."""

_SETTLE_SECONDS = 6.0
"""How long who changes a setting waits for the source to take it."""

_JOIN_SECONDS = 2.0
_SILENT_SECONDS, _PATIENCE_SECONDS = 2.0, 10.0
_MEASURED_FRAMES = 60

Opener = Callable[[Address], Source]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the camera shows at a moment: a picture, or the reason why there is none.

    `image` is (H, W, 3) uint8, and is not written to; `at` is of the monotonic clock.
    """

    number: int
    at: float
    image: Image | None
    problem: str | None = None


class Capture:
    """Reads `address` while somebody holds it. Its methods may be called from any thread."""

    def __init__(
        self, address: Address, opener: Opener = open_source, grace: float = GRACE_SECONDS
    ) -> None:
        self.address = address
        self._open = opener
        self._grace = grace
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._camera: OpenCamera | None = None
        self._name: str | None = None
        self._holders = 0
        self._left = 0.0
        self._closed = False
        self._number = 0
        self._newest: Frame | None = None
        self._size: Size | None = None
        self._times: deque[float] = deque(maxlen=_MEASURED_FRAMES)
        self._wanted: dict[str, float] = {}
        self._pending: dict[str, float | None] = {}
        self._settings = [setting(control, None, None, None) for control in CONTROLS]

    # --- who needs frames ----------------------------------------------------------------------

    def hold(self) -> None:
        """Start reading, or go on with it. Each call needs a `release`."""
        with self._news:
            self._holders += 1
            if self._thread is None and not self._closed:
                self._newest = None
                self._times.clear()
                self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
                self._thread.start()

    def release(self) -> None:
        with self._news:
            self._holders -= 1
            self._left = time.monotonic()
            self._news.notify_all()

    def newer(self, after: int, timeout: float) -> Frame | None:
        """The newest frame as soon as it has another number than `after`; None when none comes."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._is_news(after), timeout)
            return self._newest if self._is_news(after) else None

    def picture(self) -> Image:
        """One of now, as soon as there is one. Raises CameraUnavailable with the reason."""
        newest = self._newest
        old = newest is not None and time.monotonic() - newest.at > _SILENT_SECONDS
        frame = self.newer(newest.number if newest is not None and old else 0, _PATIENCE_SECONDS)
        if frame is None or frame.image is None:
            problem = frame.problem if frame is not None else None
            raise CameraUnavailable(problem or f"no picture from {self.name} yet")
        return frame.image

    def _is_news(self, after: int) -> bool:
        return self._newest is not None and self._newest.number != after

    def close(self) -> None:
        """End the thread for good; one that is stuck in a driver is left to the process's end."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            thread, camera = self._thread, self._camera
        if camera is not None:
            camera.interrupt()
        if thread is not None:
            thread.join(_JOIN_SECONDS)

    # --- what is known of it -------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._thread is not None

    @property
    def name(self) -> str:
        """Of the source that is open, or was; before that of what was asked for."""
        return self._name or self.address.name

    @property
    def size(self) -> Size | None:
        """Of the last picture."""
        return self._size

    @property
    def problem(self) -> str | None:
        """Why there is no picture now."""
        newest = self._newest
        return newest.problem if newest is not None else None

    def fps(self) -> float | None:
        """Pictures a second, measured over the last sixty."""
        with self._news:
            times = list(self._times)
        if not self.running or len(times) < 2 or time.monotonic() - times[-1] > _SILENT_SECONDS:
            return None
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)

    def nominal_fps(self) -> float | None:
        """What the open source says of itself."""
        camera = self._camera
        return None if camera is None else camera.fps

    # --- settings ------------------------------------------------------------------------------

    def settings(self) -> list[Setting]:
        """As the source has taken them; values are kept when it is closed."""
        return self._settings

    def change(self, values: Mapping[str, float | None]) -> None:
        """Take settings, as OpenCamera.change; returns when the source has been told.

        One that cannot be opened is told later.
        """
        self.hold()
        try:
            with self._news:
                self._wanted.update({k: v for k, v in values.items() if v is not None})
                for name in [name for name, value in values.items() if value is None]:
                    self._wanted.pop(name, None)
                self._pending.update(values)
                self._news.wait_for(lambda: self._closed or self._told(), _SETTLE_SECONDS)
        finally:
            self.release()

    def _told(self) -> bool:
        failed = self._newest is not None and self._newest.problem is not None
        return failed or (self._camera is not None and not self._pending)

    # --- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            shown, problem = self._session()
            if problem is not None:
                pause = FIRST_PAUSE if shown else min(2 * pause, LONGEST_PAUSE)
                self._publish(None, problem)
                _log.warning("camera: %s", problem)
            with self._news:
                if problem is not None:
                    self._news.wait_for(lambda: not self._needed(), pause)
                if not self._needed():
                    self._thread = None
                    return

    def _needed(self) -> bool:
        in_grace = time.monotonic() - self._left < self._grace
        return not self._closed and (self._holders > 0 or in_grace)

    def _session(self) -> tuple[bool, str | None]:
        """Read until nobody needs it or it fails: whether there were pictures, and the reason."""
        shown = False
        try:
            camera = OpenCamera(self._open(self.address))
        except SourceFailed as error:
            return shown, str(error)
        except Exception as error:  # noqa: BLE001 - whatever a driver does, viewers are told
            _log.exception("the camera cannot be opened")
            return shown, f"{self.address.name} cannot be opened: {type(error).__name__}"
        try:
            self._begin(camera)
            while self._needed():
                if self._pending:
                    self._tell(camera)
                self._publish(camera.read())
                shown = True
        except SourceFailed as error:
            return shown, str(error)
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("the camera failed")
            return shown, f"{self.name} failed: {type(error).__name__}"
        finally:
            with self._news:
                self._camera = None
            camera.close()
        return shown, None

    def _begin(self, camera: OpenCamera) -> None:
        with self._news:
            wanted = dict(self._wanted)
            self._pending.clear()
        camera.change(wanted)
        with self._news:
            self._camera, self._name = camera, camera.source.name
            self._settings = camera.settings()
            self._news.notify_all()
            if self._closed:
                camera.interrupt()
        _log.info("camera: %s opened, %s", camera.source.name, camera.size())

    def _tell(self, camera: OpenCamera) -> None:
        with self._news:
            values = dict(self._pending)
        camera.change(values)
        with self._news:
            self._settings = camera.settings()
            self._times.clear()
            for name, value in values.items():  # what was changed again meanwhile stays
                if name in self._pending and self._pending[name] == value:
                    del self._pending[name]
            self._news.notify_all()

    def _publish(self, image: Image | None, problem: str | None = None) -> None:
        with self._news:
            self._number += 1
            self._newest = Frame(self._number, time.monotonic(), image, problem)
            if image is not None:
                self._size = Size(image.shape[1], image.shape[0])
                self._times.append(time.monotonic())
            self._news.notify_all()
