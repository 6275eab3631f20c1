"""An open camera: frames at its rate, and settings that the device takes or that we imitate."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from processors.operation import Image, Size
from service.camera.controls import BY_NAME, CONTROLS, Control, Effect, Unit, operation
from service.camera.sources import Source

Taker = Literal["device", "software"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is: `by` says who does it; None for what is not known before opening."""

    name: str
    value: float | None
    minimum: float
    maximum: float
    default: float | None
    unit: Unit
    by: Taker | None


class OpenCamera:
    """A source with settings, used by one thread; `interrupt` alone may come from another.

    `read` waits for the next frame: a file or a test pattern is shown at its own rate.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._interrupted = threading.Event()
        self._due = time.monotonic()
        self._initial = {control.name: source.get(control) for control in CONTROLS}
        self._native_size, self._native_fps = source.size, source.fps
        self._wanted: dict[str, float] = {}
        self._software: set[str] = set()
        self._effects: list[Effect] = []
        self._probed = {control.name: self._has(control) for control in CONTROLS}

    @property
    def fps(self) -> float:
        """The rate that it is to have."""
        return min(self._wanted.get("fps", self.source.fps), self.source.fps)

    def _has(self, control: Control) -> bool:
        """Whether the source takes what it has: then it is one that it takes at all."""
        value = self._initial[control.name]
        if control.name in ("width", "height"):
            return self.source.set_size(self._native_size)
        if value is None:
            return False
        taken = self.source.set(control, value)
        self.source.restore(control, value)
        return taken

    def read(self) -> Image:
        """(H, W, 3) uint8 with all settings, at the time when it is due. Raises SourceFailed."""
        if self.source.paced:
            self._wait(self.fps)
            return self._changed(self.source.read())
        while True:
            image = self.source.read()
            if "fps" not in self._software:
                self._wait(BY_NAME["fps"].maximum)  # a video at a URL comes as fast as it is read
                return self._changed(image)
            # What comes too often is left out; a tenth early is in time.
            now = time.monotonic()
            if now >= self._due - 0.1 / self.fps:
                self._due = max(self._due + 1 / self.fps, now - 1 / self.fps)
                return self._changed(image)

    def _wait(self, fps: float) -> None:
        now = time.monotonic()
        self._interrupted.wait(max(0.0, self._due - now))
        # One that falls behind goes on from there: it does not hurry.
        self._due = max(self._due, now - 1 / fps) + 1 / fps

    def _changed(self, image: Image) -> Image:
        for effect in self._effects:
            image = effect(image)
        return image

    def interrupt(self) -> None:
        """End the wait of `read`, now and from now on."""
        self._interrupted.set()

    def change(self, values: Mapping[str, float | None]) -> None:
        """Take new settings, by name; None puts one back to what it was at first.

        Values have to be in the range of their Control. What the source does not take is done to
        each frame.
        """
        for name, value in values.items():
            if value is None:
                self._wanted.pop(name, None)
            else:
                self._wanted[name] = value
            if name not in ("width", "height"):
                self._set(BY_NAME[name], value)
        if values.keys() & {"width", "height"}:
            self._set_size()
        self._effects = self._software_effects()
        self._due = time.monotonic()

    def _set(self, control: Control, value: float | None) -> None:
        self._software.discard(control.name)
        if value is None:
            initial = self._initial[control.name]
            if self._probed[control.name] and initial is not None:
                self.source.restore(control, initial)
        elif not (self._probed[control.name] and self.source.set(control, value)):
            self._software.add(control.name)

    def _set_size(self) -> None:
        size = self._wanted_size()
        self._software -= {"width", "height"}
        if not (self._probed["width"] and self.source.set_size(size)):
            self._software |= {"width", "height"} & self._wanted.keys()

    def _wanted_size(self) -> Size:
        """With one side given, the other follows in proportion."""
        native = self._native_size
        width, height = self._wanted.get("width"), self._wanted.get("height")
        if width is None and height is None:
            return native
        if height is None:
            return Size(int(width or 0), max(1, round((width or 0) * native.height / native.width)))
        if width is None:
            return Size(max(1, round(height * native.width / native.height)), int(height))
        return Size(int(width), int(height))

    def _software_effects(self) -> list[Effect]:
        """The operations that stand for what the source did not take, the size first."""
        effects: list[Effect] = []
        if self._software & {"width", "height"}:
            size = self._wanted_size()
            effects.append(operation(f"resize={size.width}x{size.height}"))
        for control in CONTROLS:
            value = self._wanted.get(control.name)
            if control.name in self._software and control.effect is not None and value is not None:
                effects.append(control.effect(value))
        return effects

    def size(self) -> Size:
        """Of the frames."""
        return self._wanted_size() if self._software & {"width", "height"} else self.source.size

    def settings(self) -> list[Setting]:
        """All settings as they are now."""
        return [self._setting(control) for control in CONTROLS]

    def _setting(self, control: Control) -> Setting:
        by: Taker = "device" if self._probed[control.name] else "software"
        if control.name in self._software:
            by = "software"
        default = self._initial[control.name] if by == "device" else control.default
        if control in (BY_NAME["width"], BY_NAME["height"]):
            default = getattr(self._native_size, control.name)
        if control.name == "fps":
            default = self._native_fps
        value = self._wanted.get(control.name, default)
        if control.name in ("width", "height"):
            value = getattr(self.size(), control.name)
        return setting(control, value, default, by)

    def close(self) -> None:
        """Leave a device as it was found: what it has next time is taken for its defaults."""
        for name in self._wanted.keys() - self._software - {"width", "height"}:
            self._set(BY_NAME[name], None)
        self.source.close()


def setting(
    control: Control, value: float | None, default: float | None, by: Taker | None
) -> Setting:
    """A setting of that control. Numbers are rounded: a device's are those of its steps."""
    return Setting(
        control.name,
        None if value is None else round(value, 2),
        control.minimum,
        control.maximum,
        None if default is None else round(default, 2),
        control.unit,
        by,
    )
