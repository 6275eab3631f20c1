"""OpenCV's own window: a picture, and below it a slider for each setting."""

from collections.abc import Callable, Sequence
from functools import partial

import cv2

from processors.operation import Image, Size
from service.camera.camera import Setting
from service.camera.controls import CONTROLS, Control

_NAME = "Darkroom"
_SIZE = Size(800, 720)
_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
_KEY_BITS = 0xFF


class Window:
    """Used by the main thread alone, as window systems want it.

    `changed` is called with the name and the value of a setting whose slider is moved.
    """

    def __init__(self, title: str, fullscreen: bool, changed: Callable[[str, float], None]) -> None:
        self._changed = changed
        self._moving = True  # sliders tell of what we do to them, too
        cv2.namedWindow(_NAME, _FLAGS)
        cv2.resizeWindow(_NAME, _SIZE.width, _SIZE.height)
        self.entitle(title)
        for control in CONTROLS:
            self._add(control)
        self._moving = False
        if fullscreen:
            cv2.setWindowProperty(_NAME, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)

    def _add(self, control: Control) -> None:
        at, most = int(control.default or control.minimum), int(control.maximum)
        cv2.createTrackbar(_label(control), _NAME, at, most, partial(self._moved, control))
        cv2.setTrackbarMin(_label(control), _NAME, int(control.minimum))
        cv2.setTrackbarPos(_label(control), _NAME, at)

    def _moved(self, control: Control, value: int) -> None:
        if not self._moving:
            self._changed(control.name, float(value))

    def entitle(self, title: str) -> None:
        cv2.setWindowTitle(_NAME, f"{_NAME}: {title}")

    def set_sliders(self, settings: Sequence[Setting]) -> None:
        """Show these values, each limited to the range of its slider."""
        self._moving = True
        for control, setting in zip(CONTROLS, settings, strict=True):
            if setting.value is not None:
                at = round(min(max(setting.value, control.minimum), control.maximum))
                cv2.setTrackbarPos(_label(control), _NAME, at)
        self._moving = False

    def show(self, image: Image) -> None:
        """(H, W) or (H, W, 3) uint8."""
        cv2.imshow(_NAME, image)

    def key(self, milliseconds: int) -> str:
        """The key that is pressed in that time, in lower case, or nothing."""
        code = cv2.waitKey(milliseconds)
        return "" if code < 0 else chr(code & _KEY_BITS).lower()

    @property
    def is_open(self) -> bool:
        try:
            return cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) > 0
        except cv2.error:
            return False  # some window systems forget a window that was closed

    def close(self) -> None:
        cv2.destroyAllWindows()


def _label(control: Control) -> str:
    return f"{control.name.replace('_', ' ')} ({control.unit})"
