"""Recording the camera into MP4 files, one at a time, whoever watches."""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2

from processors.operation import Image, Size
from service.camera.pictures import NumberedFile, NumberedFolder
from service.errors import RecordingConflict
from service.live.camera.capture import Capture
from service.storage import SinkUnwritable

_log = logging.getLogger("darkroom.camera")

MOST_FPS = 60.0
_USUAL_FPS = 25.0
_FINISH_SECONDS = 5.0
_CODECS = ("avc1", "mp4v")
"""H.264, which browsers play, where this OpenCV has an encoder of it; else MPEG-4 part 2."""

_TABLE_BYTES, _BUFFERED_BYTES = 64, 256 * 1024
"""What a frame adds to the table at the end of the file, and what is not written yet."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A recording under way: how long it is, and may become, in seconds."""

    seconds: float
    limit: float
    frames: int
    fps: float
    size: Size


class Recorder:
    """Starts and stops recordings. Its methods may be called from any thread, and block."""

    def __init__(self, capture: Capture, folder: NumberedFolder, most_bytes: int) -> None:
        self._capture = capture
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._current: _Recording | None = None

    def start(self, seconds: float, fps: float | None) -> Progress:
        """Raises RecordingConflict, CameraUnavailable and SinkUnwritable."""
        with self._lock:
            if self._current is not None and self._current.running:
                raise RecordingConflict("a recording is under way: stop it first")
            self._capture.hold()
            try:
                self._current = self._begin(seconds, fps)
            except BaseException:
                self._capture.release()
                raise
            return self._current.progress()

    def _begin(self, seconds: float, fps: float | None) -> "_Recording":
        first = self._capture.picture()
        rate = min(fps or self._capture.nominal_fps() or _USUAL_FPS, MOST_FPS)
        recording = _Recording(self._capture, self._folder, first, rate, seconds)
        recording.most_bytes = self._most_bytes
        recording.start()
        return recording

    def progress(self) -> Progress | None:
        """Of the recording under way."""
        current = self._current
        return current.progress() if current is not None and current.running else None

    def stop(self) -> NumberedFile:
        """The recording, whole. Raises RecordingConflict when there is none, and SinkUnwritable."""
        current = self._current
        if current is None or not current.running:
            raise RecordingConflict("no recording is under way: POST /v1/camera/recordings")
        return current.finish(_FINISH_SECONDS)

    def close(self) -> None:
        """Finish what is under way."""
        with suppress(RecordingConflict, SinkUnwritable):
            self.stop()


class _Recording:
    """One recording, in a thread of its own. It releases the capture in the end."""

    def __init__(
        self, capture: Capture, folder: NumberedFolder, first: Image, fps: float, seconds: float
    ) -> None:
        self._capture, self._folder = capture, folder
        self._fps, self._seconds = fps, seconds
        self._size = Size(first.shape[1], first.shape[0])
        self._partial = folder.partial_path()
        self._writer = _writer(self._partial, fps, self._size)
        self._stop = threading.Event()
        self._frames = 0
        self._file: NumberedFile | None = None
        self._failure: SinkUnwritable | None = None
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._image = first
        self.most_bytes = 0

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def progress(self) -> Progress:
        done = self._frames / self._fps
        return Progress(round(done, 2), self._seconds, self._frames, self._fps, self._size)

    def finish(self, timeout: float) -> NumberedFile:
        """Raises SinkUnwritable."""
        self._stop.set()
        self._thread.join(timeout)
        if self._file is None:
            raise self._failure or SinkUnwritable("the recording takes too long to be finished")
        return self._file

    def _run(self) -> None:
        try:
            self._record()
            self._writer.release()
            self._check()
            self._file = self._folder.adopt(self._partial)
            _log.info("camera: %s, %d frames", self._file.name, self._frames)
        except SinkUnwritable as error:
            self._failure = error
            _log.warning("camera: %s", error)
        except (OSError, cv2.error) as error:
            self._failure = SinkUnwritable(f"the recording failed: {error}")
            _log.warning("camera: %s", self._failure)
        finally:
            self._writer.release()
            self._partial.unlink(missing_ok=True)
            self._capture.release()

    def _record(self) -> None:
        """A frame for each moment: the newest one, again where none has come since."""
        started, wanted = time.monotonic(), round(self._seconds * self._fps)
        seen = 0
        while self._frames < wanted and self._has_room():
            frame = self._capture.newer(seen, 0)
            if frame is not None:
                seen = frame.number
                self._image = self._fitting(frame.image) if frame.image is not None else self._image
            due = min(int((time.monotonic() - started) * self._fps) + 1, wanted)
            for _ in range(due - self._frames):
                self._writer.write(self._image)
                self._frames += 1
            if self._stop.wait(max(0.0, started + self._frames / self._fps - time.monotonic())):
                return

    def _fitting(self, image: Image) -> Image:
        """A file has one size, even if the camera's is changed meanwhile."""
        if image.shape[:2] == (self._size.height, self._size.width):
            return image
        return cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def _has_room(self) -> bool:
        written = self._partial.stat().st_size if self._partial.exists() else 0
        return written + _BUFFERED_BYTES + self._frames * _TABLE_BYTES < self.most_bytes

    def _check(self) -> None:
        """The writer says nothing of a full disk, or a lost file. Raises SinkUnwritable."""
        if not self._partial.exists():
            raise SinkUnwritable("the recording's file is gone: was its folder removed?")
        capture = cv2.VideoCapture(str(self._partial), cv2.CAP_FFMPEG)
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if found != self._frames:
            raise SinkUnwritable(
                f"the recording has {found} of {self._frames} frames: is the disk full?"
            )


def _writer(path: Path, fps: float, size: Size) -> cv2.VideoWriter:
    """Raises SinkUnwritable."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # codecs that are not there
    for codec in _CODECS:
        code = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, size)
        if writer.isOpened():
            return writer
        writer.release()
    path.unlink(missing_ok=True)
    raise SinkUnwritable("OpenCV cannot write an MP4 file there")
