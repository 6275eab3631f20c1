"""Whether a window can be opened here at all."""

import os
import subprocess
import sys
from pathlib import Path

import cv2  # noqa: F401 - it sets the folder of fonts, so that what we set comes later
import typer

_PROBE = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an abort is expected: no dump of it
except (ImportError, ValueError, OSError):
    pass
import cv2
cv2.namedWindow("Darkroom", cv2.WINDOW_NORMAL)
cv2.destroyAllWindows()
"""
_PROBE_SECONDS = 20.0
_MOST_REASON = 200

_FONTS = "QT_QPA_FONTDIR"
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_LIKED_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "*.[to]tf")


class NoDisplay(Exception):
    """No window can be opened; the text says why, and what to do."""


def prepare_display() -> None:
    """To be called before the first window is opened. Raises NoDisplay."""
    if reason := _refusal():
        raise NoDisplay(
            f"there is no display to open a window on: {reason}\n"
            "Run this in a desktop session (or with ssh -X), or see the camera in a browser: "
            "python main.py serve"
        )
    _name_fonts()


def _refusal() -> str | None:
    """Why no window can be opened.

    It is tried in another process: Qt, which OpenCV's windows are made of, aborts the one that
    finds no display.
    """
    command = [sys.executable, "-P", "-c", _PROBE]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=_PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if done.returncode == 0:
        return None
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return "DISPLAY is not set"
    return _reason_in(done.stderr)


def _reason_in(output: str) -> str:
    """Qt's word for it, or the last line: that of an exception."""
    lines = [line for line in output.splitlines() if line.strip()] or ["it cannot be used"]
    told = next((line for line in lines if "could not connect" in line), lines[-1])
    return told.removeprefix("qt.qpa.xcb: ").strip()[:_MOST_REASON]


def _name_fonts() -> None:
    """Give Qt a folder of fonts, for the names of the sliders.

    The Qt of OpenCV's packages looks into one folder only, which they do not have.
    """
    named = os.environ.get(_FONTS)
    if named is None or Path(named).is_dir():
        return
    if (folder := _font_folder()) is None:
        typer.echo(
            "there are no fonts, so the sliders have no names; on Debian: "
            "apt-get install fonts-dejavu-core",
            err=True,
        )
        return
    os.environ[_FONTS] = str(folder)


def _font_folder() -> Path | None:
    found = (
        path.parent
        for name in _LIKED_FONTS
        for folder in _FONT_FOLDERS
        for path in folder.rglob(name)
    )
    return next(found, None)
