"""Where frames come from: devices, video files and URLs through OpenCV, and the test pattern."""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2

from processors.operation import Image, Size
from service.camera.address import Address, Kind
from service.camera.controls import Control
from service.camera.errors import SourceFailed
from service.camera.pattern import TestPattern

OPEN_MILLISECONDS = READ_MILLISECONDS = 5000
"""After which FFmpeg gives up a URL that does not answer."""

MOST_FPS = 240.0
_USUAL_FPS = 25.0
_TOLERANCES = {"%": 0.05, "K": 100.0, "px": 0.5, "frames/s": 0.5}
"""How far a device's value may be off: its steps may be coarse. Percent are parts of 1 there."""

# FFmpeg's and OpenCV's own lines show the URL, which may hold a password, and OpenCV's percent
# of V4L2 settings: both are read when a capture is first opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_RANGE_NORMALIZED", "1")


class Source(Protocol):
    """Gives frames, (H, W, 3) uint8 BGR; used by one thread.

    One that is `paced` gives a frame whenever it is asked; the others wait for the next one.
    """

    name: str
    size: Size
    fps: float
    paced: bool

    def read(self) -> Image:
        """The next frame. Raises SourceFailed."""
        ...

    def get(self, control: Control) -> float | None:
        """The value of a setting, in its unit; None for one that the source does not have."""
        ...

    def set(self, control: Control, value: float) -> bool:
        """Whether the source took the value."""
        ...

    def set_size(self, size: Size) -> bool:
        """Whether the source took the size."""
        ...

    def restore(self, control: Control, value: float) -> None:
        """Put a setting back to a value that it had, and let the device choose if it did."""
        ...

    def close(self) -> None: ...


class VideoSource:
    """An open capture of OpenCV. A file is shown at its own rate, again and again."""

    def __init__(self, capture: cv2.VideoCapture, kind: Kind, name: str) -> None:
        self.name = name
        self.paced = kind == "file"
        self._capture = capture
        self._looped = kind == "file"
        self._modes: dict[int, float] = {}
        self._measure()

    def _measure(self) -> None:
        width, height, fps = (
            self._capture.get(what)
            for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self.size = Size(max(0, int(width)), max(0, int(height)))
        self.fps = fps if math.isfinite(fps) and 0 < fps <= MOST_FPS else _USUAL_FPS

    def read(self) -> Image:
        image = self._next()
        if image is None and self._looped and self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0):
            image = self._next()
        if image is None:
            raise SourceFailed(f"{self.name} gives no more pictures")
        if image.ndim == 2 or image.shape[2] == 1:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return image  # type: ignore[no-any-return]

    def _next(self) -> Any:
        try:
            done, image = self._capture.read()
        except cv2.error:
            return None
        return image if done and image is not None and image.size else None

    def get(self, control: Control) -> float | None:
        value = self._capture.get(control.property)
        if not math.isfinite(value) or value < 0:  # -1 is OpenCV's word for: not there
            return None
        return value * 100 if control.unit == "%" else value

    def set(self, control: Control, value: float) -> bool:
        wanted = value / 100 if control.unit == "%" else value
        before = self._capture.get(control.property)
        if control.automatic is not None:
            mode, manual, _ = control.automatic
            self._modes.setdefault(mode, self._capture.get(mode))
            self._capture.set(mode, manual)
        if self._takes(control, wanted):
            self._measure()
            return True
        self._capture.set(control.property, before)
        self._restore_mode(control)
        return False

    def restore(self, control: Control, value: float) -> None:
        self.set(control, value)
        self._restore_mode(control)

    def _restore_mode(self, control: Control) -> None:
        """What the device was left to choose before the first change, it chooses again."""
        if control.automatic is not None:
            mode, _, automatic = control.automatic
            before = self._modes.get(mode, automatic)
            self._capture.set(mode, before if before >= 0 else automatic)

    def _takes(self, control: Control, wanted: float) -> bool:
        if not self._capture.set(control.property, wanted):
            return False
        read_back = self._capture.get(control.property)
        return abs(read_back - wanted) <= _TOLERANCES[control.unit]

    def set_size(self, size: Size) -> bool:
        before = self.size
        # Both, and then a look: V4L2 negotiates when it has been told both.
        if self._told(size) and self.size == size:
            return True
        self._told(before)
        return False

    def _told(self, size: Size) -> bool:
        wide = self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size.width)
        high = self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size.height)
        self._measure()
        return wide and high

    def close(self) -> None:
        self._capture.release()


def open_source(address: Address) -> Source:
    """Open what DARKROOM_CAMERA names; it takes seconds for a URL. Raises SourceFailed."""
    # OpenCV would print what it tried and failed at, with the URL.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    match address.kind:
        case "test":
            return TestPattern()
        case "auto":
            return next(_working_devices(), None) or TestPattern()
        case "device":
            return _device(int(address.value), address.name)
        case "file" if not Path(address.value).is_file():
            raise SourceFailed(f"there is no file {address.name}")
    return _video(address)


def _video(address: Address) -> Source:
    waits = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MILLISECONDS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MILLISECONDS),
    ]
    # Other backends take a URL for a pattern of files.
    capture = cv2.VideoCapture(address.value, cv2.CAP_FFMPEG, waits)
    if not capture.isOpened():
        capture.release()
        raise SourceFailed(f"{address.name} cannot be opened as a video")
    return VideoSource(capture, address.kind, address.name)


def _device(number: int, name: str) -> Source:
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise SourceFailed(f"there is no camera at {name}, or another program has it")
    return VideoSource(capture, "device", name)


def _working_devices() -> Iterator[Source]:
    """Those that give a picture: a camera may have a second device that gives other data."""
    for number in _device_numbers():
        try:
            source = _device(number, f"device {number}")
        except SourceFailed:
            continue
        try:
            source.read()
        except SourceFailed:
            source.close()
            continue
        yield source


def _device_numbers() -> list[int]:
    names = (re.fullmatch(r"video(\d+)", path.name) for path in Path("/dev").glob("video*"))
    found = sorted(int(name[1]) for name in names if name)
    return found if found or Path("/proc").is_dir() else [0, 1]
