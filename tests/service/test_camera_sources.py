"""Where the camera's pictures come from."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from processors.operation import Size
from service.camera import sources
from service.camera.address import Address
from service.camera.camera import OpenCamera
from service.camera.errors import SourceFailed
from service.camera.lettering import notice
from service.camera.pattern import TestPattern
from service.camera.sources import Source, open_source
from service.settings import load_settings
from tests.service.cameras import LEVELS, HttpCamera, number_of, write_video


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("0", "device", "device 0"),
        (" test ", "test", "test pattern"),
        ("AUTO", "auto", "first device"),
        ("films/street.mp4", "file", "street.mp4"),
        ("rtsp://ann:pw@cam.local:554/a?key=b", "url", "rtsp://cam.local:554"),
        ("https://[::1]/video", "url", "https://[::1]"),
    ],
)
def test_the_kinds_of_sources(text: str, kind: str, name: str) -> None:
    address = Address.parse(text)
    assert (address.kind, address.name) == (kind, name)


def test_an_address_shows_no_credentials() -> None:
    assert "pw" not in repr(Address.parse("rtsp://ann:pw@cam.local/pw"))


@pytest.mark.parametrize(
    "text", ["ftp://host/video", "http:///video", "http://h:x/", "100", "", "\0"]
)
def test_what_names_no_source_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Address.parse(text)


def test_a_wrong_setting_does_not_show_its_value() -> None:
    with pytest.raises(Exception, match="DARKROOM_CAMERA") as caught:
        load_settings(camera="ftp://ann:secret-word@host/")
    assert "secret-word" not in str(caught.value)


def test_a_file_is_shown_again_and_again_at_its_own_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "street.mp4", frames=10, fps=50)
    camera = OpenCamera(open_source(Address.parse(str(path))))
    began = time.monotonic()
    shown = [number_of(camera.read()) for _ in range(25)]
    taken = time.monotonic() - began
    camera.close()
    assert shown == [*range(10), *range(10), *range(5)]
    assert 0.45 < taken < 1.5  # 24 intervals of 20 ms


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"there is no file gone\.mp4"):
        open_source(Address.parse(str(tmp_path / "gone.mp4")))


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    with pytest.raises(SourceFailed, match=r"text\.mp4 cannot be opened as a video"):
        open_source(Address.parse(str(path)))


def test_mjpeg_over_http_is_read() -> None:
    with HttpCamera() as camera:
        source = open_source(Address.parse(camera.url))
        shown = [number_of(source.read()) for _ in range(5)]
        source.close()
    assert source.size == Size(160, 120)
    assert np.all(np.diff(shown) == 1)


def read_all(source: Source) -> None:
    """Raises SourceFailed."""
    for _ in range(20):
        source.read()


def test_the_end_of_a_url_is_a_failure() -> None:
    with HttpCamera(frames=8) as camera:
        source = open_source(Address.parse(camera.url))
        with pytest.raises(SourceFailed, match="gives no more pictures") as caught:
            read_all(source)
        source.close()
    assert "secret-word" not in str(caught.value)


def test_a_url_that_stalls_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "READ_MILLISECONDS", 300)
    with HttpCamera(frames=8, stalls=True) as camera:
        source = open_source(Address.parse(camera.url))
        began = time.monotonic()
        with pytest.raises(SourceFailed):
            read_all(source)
        source.close()
    assert time.monotonic() - began < 3


def test_nobody_at_a_url_is_a_failure() -> None:
    camera = HttpCamera()
    camera.die()
    with pytest.raises(SourceFailed, match=f"http://127.0.0.1:{camera.port} cannot be opened"):
        open_source(Address.parse(camera.url))


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="this machine has a camera")
class TestWithoutDevices:
    def test_a_device_that_is_not_there_is_a_failure(self) -> None:
        with pytest.raises(SourceFailed, match="there is no camera at device 0"):
            open_source(Address.parse("0"))

    def test_auto_is_the_test_pattern_then(self) -> None:
        assert open_source(Address.parse("auto")).name == "test pattern"


def test_the_pattern_moves() -> None:
    pattern = TestPattern()
    first, second = pattern.read(), None
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (second is None or np.array_equal(first, second)):
        second = pattern.read()
    assert first.shape == (480, 640, 3)
    assert second is not None
    assert not np.array_equal(first, second)


def test_the_pattern_names_itself() -> None:
    """White letters where a plain bar would be of one colour."""
    rows = TestPattern().read()[170:205]
    letters = (rows == 255).all(axis=2).mean()
    assert 0.05 < letters < 0.6


@pytest.mark.parametrize("size", [Size(640, 480), Size(16, 16), Size(1920, 1080)])
def test_a_notice_has_the_size_that_is_wanted(size: Size) -> None:
    image = notice(size, "no picture", "there is no camera at device 0, or so " * 9)
    assert image.shape == (size.height, size.width, 3)
    assert image.max() > 240


def test_levels_of_a_video_tell_its_frames_apart(tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(write_video(tmp_path / "levels.mp4")), cv2.CAP_FFMPEG)
    shown = [number_of(capture.read()[1]) for _ in range(LEVELS)]  # type: ignore[arg-type]
    capture.release()
    assert shown == list(range(LEVELS))
