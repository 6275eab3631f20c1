"""The camera in a thread of its own, so that the window never waits for it."""

import threading

from processors.operation import Size, size_of
from service.camera.address import Address
from service.camera.camera import OpenCamera, Setting
from service.camera.controls import CONTROLS
from service.camera.errors import SourceFailed
from service.camera.lettering import notice
from service.camera.sources import open_source
from service.cli.viewing.newest import Frame, Newest

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Between attempts to open a source that fails."""

_USUAL_SIZE = Size(640, 480)


class Feed:
    """Reads the camera until it is closed; a source that fails is opened again, after pauses.

    Its methods may be called from any thread, and do not wait for the camera, save `close`.
    """

    def __init__(self, address: Address) -> None:
        self.frames: Newest[Frame] = Newest()
        self.name = address.name
        self._address = address
        self._size = _USUAL_SIZE
        self._pause = FIRST_PAUSE
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._camera: OpenCamera | None = None
        self._wanted: dict[str, float] = {}
        self._pending: dict[str, float | None] = {}
        self._settings: list[Setting] | None = None
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Whether it has let go of the camera in `timeout` seconds: a driver may be stuck."""
        self._ended.set()
        with self._lock:
            if self._camera is not None:
                self._camera.interrupt()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # --- settings ------------------------------------------------------------------------------

    def change(self, name: str, value: float) -> None:
        """Take a setting, in the range of its Control, before the next frame."""
        with self._lock:
            self._wanted[name] = self._pending[name] = value

    def reset(self) -> None:
        """Put all settings back to what they were at first."""
        with self._lock:
            self._wanted.clear()
            self._pending = dict.fromkeys(control.name for control in CONTROLS)

    def settings(self) -> list[Setting] | None:
        """As the camera has taken them; None while it has still to take some."""
        with self._lock:
            return None if self._pending else self._settings

    # --- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
            except SourceFailed as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - whatever a driver does, it is opened again
                self._fail(f"{self.name} failed: {type(error).__name__}")

    def _fail(self, problem: str) -> None:
        self.frames.put(Frame(notice(self._size, "no picture", problem), problem))
        self._ended.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _read(self) -> None:
        """Until the end. Raises SourceFailed, and whatever OpenCV may raise."""
        camera = OpenCamera(open_source(self._address))
        try:
            self._begin(camera)
            while not self._ended.is_set():
                self._tell(camera)
                image = camera.read()
                self._size, self._pause = size_of(image), FIRST_PAUSE
                self.frames.put(Frame(image))
        finally:
            with self._lock:
                self._camera = None
            camera.close()

    def _begin(self, camera: OpenCamera) -> None:
        """It knows nothing of what the one before was told."""
        with self._lock:
            self._camera, self.name = camera, camera.source.name
            self._pending = dict(self._wanted)
            self._settings = camera.settings()

    def _tell(self, camera: OpenCamera) -> None:
        with self._lock:
            values = dict(self._pending)
        if not values:
            return
        camera.change(values)
        with self._lock:
            self._settings = camera.settings()
            for name in [name for name in values if self._pending.get(name) == values[name]]:
                del self._pending[name]  # what was changed again meanwhile stays
