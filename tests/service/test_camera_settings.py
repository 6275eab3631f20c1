"""Settings of the camera: what the source takes, and what is done to each picture."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from processors.operation import Image, Size, size_of
from service.camera.address import Address
from service.camera.camera import OpenCamera, Setting
from service.camera.controls import BY_NAME, CONTROLS, DAYLIGHT_KELVIN, Control
from service.camera.pattern import TestPattern
from service.camera.sources import VideoSource, open_source
from tests.samples import photograph
from tests.service.cameras import write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of one colourful picture."""
    path = tmp_path_factory.mktemp("videos") / "video.mp4"
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 100, (160, 120))
    for _ in range(10):
        writer.write(photograph(160, 120))
    writer.release()
    return path


@pytest.fixture
def camera(video: Path) -> OpenCamera:
    """A camera whose source takes no settings."""
    return OpenCamera(open_source(Address.parse(str(video))))


def found(camera: OpenCamera, name: str) -> Setting:
    return next(setting for setting in camera.settings() if setting.name == name)


def test_a_video_takes_no_settings(camera: OpenCamera) -> None:
    assert {setting.by for setting in camera.settings()} == {"software"}


def brightness(image: Image) -> float:
    return float(image.mean())


def contrast(image: Image) -> float:
    return float(image.std())


def colour(image: Image) -> float:
    return float(np.ptp(image.astype(int), axis=2).mean())


def detail(image: Image) -> float:
    return float(cv2.Laplacian(image, cv2.CV_64F).std())


def warmth(image: Image) -> float:
    blue, _, red = image.reshape(-1, 3).mean(axis=0)
    return float(red - blue)


@pytest.mark.parametrize(
    ("name", "value", "measure", "grows"),
    [
        ("brightness", 70, brightness, True),
        ("brightness", 30, brightness, False),
        ("contrast", 70, contrast, True),
        ("contrast", 20, contrast, False),
        ("saturation", 80, colour, True),
        ("saturation", 10, colour, False),
        ("gain", 50, brightness, True),
        ("exposure", 70, brightness, True),
        ("exposure", 20, brightness, False),
        ("sharpness", 60, detail, True),
        ("white_balance", 3000, warmth, False),
        ("white_balance", 9500, warmth, True),
    ],
)
def test_what_the_source_does_not_take_is_done_to_the_picture(
    camera: OpenCamera,
    name: str,
    value: float,
    measure: Callable[[Image], float],
    grows: bool,
) -> None:
    before = measure(camera.read())
    camera.change({name: value})
    after = measure(camera.read())
    assert after > before * 1.02 if grows else after < before * 0.98
    assert (found(camera, name).value, found(camera, name).by) == (value, "software")


def test_hue_turns_the_colours(camera: OpenCamera) -> None:
    before = camera.read()
    camera.change({"hue": 100})
    turned = camera.read()
    assert warmth(turned) * warmth(before) < 0


@pytest.mark.parametrize(
    "control", [c for c in CONTROLS if c.default is not None], ids=lambda control: control.name
)
def test_the_default_changes_next_to_nothing(camera: OpenCamera, control: Control) -> None:
    before = camera.read()
    camera.change({control.name: control.default})
    assert np.abs(camera.read().astype(int) - before).max() <= 1


def test_white_under_the_light_that_is_named_becomes_white() -> None:
    """A body of 3200 K as sRGB shows it: 255, 184, 123 (Charity's table of black bodies)."""
    effect = BY_NAME["white_balance"].effect
    assert effect is not None
    lit = np.full((2, 2, 3), (123, 184, 255), np.uint8)
    blue, green, red = effect(3200)(lit)[0, 0].astype(int)
    assert max(blue, green, red) - min(blue, green, red) <= 12
    assert np.array_equal(effect(DAYLIGHT_KELVIN)(lit), lit)


def test_null_puts_a_setting_back(camera: OpenCamera) -> None:
    before = camera.read()
    camera.change({"brightness": 90, "width": 40})
    camera.change({"brightness": None, "width": None})
    assert np.array_equal(camera.read(), before)


@pytest.mark.parametrize("end", ["minimum", "maximum"])
@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_the_ends_of_the_range_are_taken(camera: OpenCamera, control: Control, end: str) -> None:
    camera.change({control.name: getattr(control, end)})
    image = camera.read()
    assert (image.dtype.name, image.ndim) == ("uint8", 3)


@pytest.mark.parametrize(
    ("change", "size"),
    [
        ({"width": 80}, Size(80, 60)),
        ({"height": 60}, Size(80, 60)),
        ({"width": 100, "height": 40}, Size(100, 40)),
    ],
)
def test_the_size_is_made_when_the_source_has_another(
    camera: OpenCamera, change: dict[str, float | None], size: Size
) -> None:
    camera.change(change)
    assert size_of(camera.read()) == camera.size() == size
    assert found(camera, "width").value == size.width


def test_frames_are_left_out_for_a_lower_rate(camera: OpenCamera) -> None:
    camera.change({"fps": 20})
    began = time.monotonic()
    for _ in range(6):
        camera.read()
    assert 0.2 < time.monotonic() - began < 1
    assert found(camera, "fps").by == "software"


def test_the_pattern_takes_size_and_rate_by_itself() -> None:
    camera = OpenCamera(TestPattern())
    camera.change({"width": 320, "height": 200, "fps": 60, "brightness": 60})
    assert size_of(camera.read()) == Size(320, 200)
    takers = {setting.name: setting.by for setting in camera.settings()}
    assert [takers[name] for name in ("width", "height", "fps")] == ["device"] * 3
    assert takers["brightness"] == "software"
    camera.change({"width": None, "height": None, "fps": None})
    assert size_of(camera.read()) == Size(640, 480)


AUTOMATIC = 3.0
"""V4L2_EXPOSURE_APERTURE_PRIORITY."""


class Knobs:
    """A real capture with the knobs of a device, which turn in coarse steps of a tenth.

    Round it, not below it: OpenCV's class does not bear subclasses.
    """

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self.read = self._capture.read
        self.release = self._capture.release
        self.knobs = {cv2.CAP_PROP_BRIGHTNESS: 0.4, cv2.CAP_PROP_WB_TEMPERATURE: 4600.0}

    def get(self, knob: int) -> float:
        return self.knobs.get(knob, self._capture.get(knob))

    def set(self, knob: int, value: float) -> bool:
        if knob == cv2.CAP_PROP_WB_TEMPERATURE:
            return True  # it says so, and does nothing
        if knob not in self.knobs:
            return self._capture.set(knob, value)
        self.knobs[knob] = round(value, 1)
        return True


def device(capture: Knobs) -> OpenCamera:
    return OpenCamera(VideoSource(cast(Any, capture), "device", "device 0"))


def test_what_the_device_takes_is_left_to_it(video: Path) -> None:
    capture = Knobs(video)
    camera = device(capture)
    before = camera.read()
    camera.change({"brightness": 71})
    assert capture.knobs[cv2.CAP_PROP_BRIGHTNESS] == pytest.approx(0.7)
    assert np.array_equal(camera.read(), before)
    setting = found(camera, "brightness")
    assert (setting.by, setting.value, setting.default) == ("device", 71, 40)


def test_what_the_device_only_says_that_it_takes_is_done_in_software(video: Path) -> None:
    camera = device(Knobs(video))
    before = warmth(camera.read())
    camera.change({"white_balance": 3000})
    assert found(camera, "white_balance").by == "software"
    assert warmth(camera.read()) < before


def test_a_setting_of_the_device_is_put_back(video: Path) -> None:
    capture = Knobs(video)
    camera = device(capture)
    camera.change({"brightness": 80})
    camera.change({"brightness": None})
    assert capture.knobs[cv2.CAP_PROP_BRIGHTNESS] == pytest.approx(0.4)


def test_a_device_is_left_as_it_was_found(video: Path) -> None:
    capture = Knobs(video)
    camera = device(capture)
    camera.change({"brightness": 80})
    camera.close()
    assert capture.knobs[cv2.CAP_PROP_BRIGHTNESS] == pytest.approx(0.4)


def test_a_device_that_chooses_by_itself_does_so_again_after_a_reset(video: Path) -> None:
    capture = Knobs(video)
    capture.knobs |= {cv2.CAP_PROP_EXPOSURE: 0.5, cv2.CAP_PROP_AUTO_EXPOSURE: AUTOMATIC}
    camera = device(capture)
    assert capture.knobs[cv2.CAP_PROP_AUTO_EXPOSURE] == AUTOMATIC  # also after it was asked
    camera.change({"exposure": 30})
    assert capture.knobs[cv2.CAP_PROP_AUTO_EXPOSURE] != AUTOMATIC
    camera.change({"exposure": None})
    assert capture.knobs[cv2.CAP_PROP_AUTO_EXPOSURE] == AUTOMATIC


def test_a_wait_can_be_interrupted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slow.mp4", fps=1)
    camera = OpenCamera(open_source(Address.parse(str(path))))
    camera.interrupt()
    began = time.monotonic()
    for _ in range(5):
        camera.read()
    assert time.monotonic() - began < 1
