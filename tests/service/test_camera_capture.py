"""The one thread that reads the camera: when it runs, and what it does when the source fails."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from processors.operation import Image
from service.camera.address import Address
from service.camera.sources import Source, open_source
from service.errors import CameraUnavailable
from service.live.camera import capture as capturing
from service.live.camera.capture import Capture, Frame
from tests.live import until
from tests.service.cameras import HttpCamera, number_of, write_video

PATIENCE = 10.0


class Opened:
    """Opens sources, and counts how many are open."""

    def __init__(self) -> None:
        self.count = 0
        self.open = 0

    def __call__(self, address: Address) -> Source:
        source = open_source(address)
        self.count += 1
        self.open += 1
        close = source.close

        def closed() -> None:
            close()
            self.open -= 1

        source.close = closed  # type: ignore[method-assign]
        return source


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def make(opened: Opened) -> Iterator[Callable[..., Capture]]:
    """Captures that end with the test."""
    made: list[Capture] = []

    def begin(text: object, grace: float = 0.0) -> Capture:
        made.append(Capture(Address.parse(str(text)), opened, grace))
        return made[-1]

    yield begin
    for capture in made:
        capture.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capturing, "FIRST_PAUSE", 0.05)


def shown(capture: Capture, after: int = 0) -> Frame:
    """The next picture, whatever is said before it comes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        frame = capture.newer(after, 1.0)
        if frame is not None:
            after = frame.number
            if frame.image is not None:
                return frame
    raise AssertionError(f"no picture: {capture.problem}")


def test_nothing_is_opened_before_it_is_needed(
    make: Callable[..., Capture], opened: Opened
) -> None:
    capture = make("test")
    assert not capture.running
    assert opened.count == 0


def test_all_share_one_thread(make: Callable[..., Capture], opened: Opened) -> None:
    capture = make("test")
    for _ in range(20):
        capture.hold()
    shown(capture)
    assert opened.count == 1
    assert sum(thread.name == "camera" for thread in threading.enumerate()) == 1


def test_it_ends_after_the_last(make: Callable[..., Capture], opened: Opened) -> None:
    capture = make("test")
    capture.hold()
    capture.hold()
    shown(capture)
    capture.release()
    assert shown(capture, shown(capture).number)
    capture.release()
    until(lambda: not capture.running, PATIENCE)
    assert opened.open == 0


def test_who_comes_back_in_time_finds_it_open(make: Callable[..., Capture], opened: Opened) -> None:
    capture = make("test", grace=5.0)
    capture.hold()
    shown(capture)
    capture.release()
    capture.hold()
    shown(capture, shown(capture).number)
    assert opened.count == 1


def test_it_can_be_started_again(make: Callable[..., Capture], opened: Opened) -> None:
    capture = make("test")
    for _ in range(3):
        capture.hold()
        shown(capture)
        capture.release()
        until(lambda: not capture.running, PATIENCE)
    assert (opened.count, opened.open) == (3, 0)


def test_the_rate_is_measured(make: Callable[..., Capture], tmp_path: Path) -> None:
    capture = make(write_video(tmp_path / "v.mp4", fps=50))
    capture.hold()
    frame = shown(capture)
    while frame.number < 30:
        frame = shown(capture, frame.number)
    assert capture.fps() == pytest.approx(50, rel=0.15)


def test_a_failure_is_told_at_once(make: Callable[..., Capture], tmp_path: Path) -> None:
    capture = make(tmp_path / "gone.mp4")
    capture.hold()
    frame = capture.newer(0, PATIENCE)
    assert frame is not None
    assert frame.problem == "there is no file gone.mp4"


def test_it_opens_again_when_the_source_is_there(
    make: Callable[..., Capture], tmp_path: Path, quick: None
) -> None:
    capture = make(tmp_path / "later.mp4")
    capture.hold()
    assert capture.newer(0, PATIENCE) is not None
    write_video(tmp_path / "new.mp4").rename(tmp_path / "later.mp4")
    assert shown(capture).image is not None
    assert capture.problem is None


def test_attempts_become_rarer(make: Callable[..., Capture], tmp_path: Path, quick: None) -> None:
    capture = make(tmp_path / "gone.mp4")
    capture.hold()
    moments, number = [], 0
    for _ in range(4):
        frame = capture.newer(number, PATIENCE)
        assert frame is not None
        number = frame.number
        moments.append(time.monotonic())
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 1.5 * pauses[0]


def test_a_camera_that_dies_and_comes_back_is_shown_again(
    make: Callable[..., Capture], quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpCamera() as camera:
        capture = make(camera.url)
        capture.hold()
        frame = shown(capture)
        camera.die()
        until(lambda: capture.problem is not None, PATIENCE)
        said = capture.problem
        camera.come_back()
        again = shown(capture, frame.number)
        until(lambda: capture.problem is None, PATIENCE)
    assert again.image is not None
    assert said is not None
    assert "secret-word" not in said + caplog.text + capture.name


def test_a_camera_that_stalls_is_opened_again(
    make: Callable[..., Capture], quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.camera.sources.READ_MILLISECONDS", 300)
    with HttpCamera(frames=8, stalls=True) as camera:
        capture = make(camera.url)
        capture.hold()
        shown(capture)
        assert camera.connected.acquire(timeout=PATIENCE)
        assert camera.connected.acquire(timeout=PATIENCE)  # a second connection


def test_settings_are_taken_while_it_runs(make: Callable[..., Capture], tmp_path: Path) -> None:
    capture = make(write_video(tmp_path / "v.mp4", frames=1), grace=5.0)
    capture.change({"brightness": 90})
    capture.hold()
    # The video is black, and so is a picture of before.
    until(lambda: number_of(cast(Image, shown(capture).image)) > 8, PATIENCE)
    assert {setting.by for setting in capture.settings()} == {"software"}


def test_settings_are_kept_while_it_is_closed(
    make: Callable[..., Capture], opened: Opened, tmp_path: Path
) -> None:
    capture = make(write_video(tmp_path / "v.mp4", frames=1))
    capture.change({"brightness": 90})
    until(lambda: not capture.running, PATIENCE)
    capture.hold()
    frame = shown(capture)
    assert frame.image is not None
    assert number_of(frame.image) > 8
    assert opened.count == 2


def test_settings_do_not_wait_for_a_source_that_fails(
    make: Callable[..., Capture], tmp_path: Path
) -> None:
    capture = make(tmp_path / "gone.mp4")
    began = time.monotonic()
    capture.change({"brightness": 90})
    assert time.monotonic() - began < 3


def test_closing_does_not_wait_for_the_next_frame(
    make: Callable[..., Capture], tmp_path: Path
) -> None:
    capture = make(write_video(tmp_path / "slow.mp4", fps=1))
    capture.hold()
    shown(capture)
    began = time.monotonic()
    capture.close()
    assert time.monotonic() - began < 0.5
    assert not capture.running


def test_a_source_that_never_answers_is_no_hang(
    make: Callable[..., Capture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "_JOIN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        capture = make(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        capture.hold()
        began = time.monotonic()
        assert capture.newer(0, 0.2) is None
        capture.close()
        assert time.monotonic() - began < 2


def test_an_old_picture_is_not_the_current_one(
    make: Callable[..., Capture], quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "_SILENT_SECONDS", 0.3)
    monkeypatch.setattr("service.camera.sources.READ_MILLISECONDS", 900)
    with HttpCamera(frames=8, stalls=True) as camera:
        capture = make(camera.url)
        capture.hold()
        until(lambda: shown(capture).number >= 5, PATIENCE)
        until(lambda: capture.fps() is None, PATIENCE)
        with pytest.raises(CameraUnavailable, match="gives no more pictures"):
            capture.picture()
