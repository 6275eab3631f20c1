"""A real X server with the camera's window on it, and a user with keys and a mouse."""

import ctypes
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageGrab

from tests.live import ROOT, environment, until

Colour = tuple[int, int, int]
"""Red, green, blue."""

_PATIENCE = 20.0
_MISSING = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
_NEAR = 8
_SLIDER = (56, 161, 227)
_NOTHING = (0, 0, 0)
_ROW = 40
_TRIES, _DRAWN_SECONDS = 5, 0.4
_RUN = 25


class Desktop:
    """The screen of an X server, and input to it."""

    def __init__(self, display: str) -> None:
        self.display = display
        self._environment = os.environ | {"DISPLAY": display}

    def do(self, *command: str) -> str:
        """What xdotool prints."""
        done = subprocess.run(
            ["xdotool", *command],
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=_PATIENCE,
        )
        return done.stdout.strip()

    def window(self, title: str) -> str:
        """The number of the window of that title, or nothing."""
        return self.do("search", "--onlyvisible", "--name", title).partition("\n")[0]

    def screen(self) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        return np.array(ImageGrab.grab(xdisplay=self.display))

    def colours(self, y: int) -> list[Colour]:
        """Those of a row of the screen, from left to right, each as wide as `_RUN` pixels."""
        row = map(tuple, self.screen()[y].tolist())
        return [colour for colour, run in groupby(row) if len(list(run)) >= _RUN]

    def shows(self, wanted: list[Colour], y: int = _ROW) -> bool:
        """Whether a row has these colours side by side, each nearly."""
        found = self.colours(y)
        parts = (found[at : at + len(wanted)] for at in range(len(found) - len(wanted) + 1))
        return any(all(map(_near, part, wanted)) for part in parts)

    def handle_of_the_first_slider(self) -> tuple[int, int]:
        """Where it is: the part of a slider that is left of its handle is blue."""
        far = np.abs(self.screen().astype(int) - _SLIDER).max(axis=2)
        blue = far <= _NEAR
        rows = np.flatnonzero(blue.sum(axis=1) > _RUN)
        assert len(rows), "there is no slider on the screen"
        return int(np.flatnonzero(blue[rows[0]])[-1]) + 4, int(rows[0])

    def drag(self, start: tuple[int, int], right: int) -> None:
        x, y = start
        move = ("mousemove", str(x), str(y), "mousedown", "1")
        self.do(*move, "mousemove", str(x + right // 2), str(y))
        self.do("mousemove", str(x + right), str(y), "mouseup", "1")

    def ask_to_close(self, window: str) -> None:
        """What a window manager sends when its button is pressed: WM_DELETE_WINDOW."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.display.encode()))
        event = _ClientMessage(type=33, window=int(window), format=32)
        event.message_type = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
        event.data[0] = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        x11.XSendEvent(
            display, ctypes.c_ulong(int(window)), 0, ctypes.c_long(0), ctypes.byref(event)
        )
        x11.XCloseDisplay(display)


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent, as long as an XEvent."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 12),
    ]


def _near(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


@contextmanager
def desktop() -> Iterator[Desktop]:
    """An X server of its own, on a display that is free. Skips where it is not installed."""
    if _MISSING:
        pytest.skip(f"{' and '.join(_MISSING)} not installed: apt-get install xvfb xdotool")
    reading, writing = os.pipe()
    command = ["Xvfb", "-noreset", "-displayfd", str(writing), "-screen", "0", "1024x768x24"]
    with subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        try:
            yield Desktop(f":{_number(reading)}")
        finally:
            server.terminate()
            os.close(reading)


def _number(reading: int) -> int:
    """What the server writes when it listens."""
    assert select.select([reading], [], [], _PATIENCE)[0], "Xvfb does not start"
    return int(os.read(reading, 16))


class CameraWindow:
    """`python main.py camera` on a desktop. Entering waits for the window; leaving ends it."""

    def __init__(self, desktop: Desktop, folder: Path, *arguments: str) -> None:
        self.desktop, self.folder = desktop, folder
        self._log = folder / "camera.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "main.py"), "camera", *arguments],
                cwd=folder,
                env=environment() | {"DISPLAY": desktop.display},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.window = ""

    def __enter__(self) -> Self:
        try:
            until(self._appeared)
            self._see_that_it_is_drawn()
        except BaseException:
            self.process.kill()
            raise
        return self

    def _appeared(self) -> bool:
        assert self.process.poll() is None, self.output
        self.window = self.desktop.window("^Darkroom: ")
        # A frame of the camera, or a notice, is drawn when the keys are told.
        return bool(self.window) and "q ends" in self.output

    def _see_that_it_is_drawn(self) -> None:
        """Without a window manager Qt misses now and then that its window is on the screen, and
        never draws it: then it is taken off, and put there again.
        """
        for _ in range(_TRIES):
            with suppress(AssertionError):
                return until(lambda: self.desktop.colours(_ROW) != [_NOTHING], _DRAWN_SECONDS)
            self.desktop.do("windowunmap", "--sync", self.window)
            self.desktop.do("windowmap", "--sync", self.window)
        raise AssertionError("the window is not drawn")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def output(self) -> str:
        return self._log.read_text()

    def press(self, key: str) -> None:
        """There is no window manager that would give the window the keys."""
        self.desktop.do("windowfocus", "--sync", self.window, "key", key)

    def ended(self) -> int:
        """The exit code, as soon as there is one."""
        return self.process.wait(_PATIENCE)

    def wait_for(self, text: str) -> None:
        """Until the console shows it."""
        until(lambda: text in self.output)
