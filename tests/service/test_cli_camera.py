"""`python main.py camera`: a real window on a real X server, real key presses."""

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from processors.operation import Image
from service.camera.address import Address
from service.cli.main import app as commands
from service.cli.viewing.effects import Effects, pipeline_of
from service.cli.viewing.feed import Feed
from service.cli.viewing.newest import Frame, Newest
from service.settings import load_settings
from tests.live import until
from tests.service.cameras import HttpCamera, decoded, number_of, write_video
from tests.service.desktop import CameraWindow, Colour, Desktop, desktop

BARS: list[Colour] = [
    (192, 192, 192),
    (192, 192, 0),
    (0, 192, 192),
    (0, 192, 0),
    (192, 0, 192),
    (192, 0, 0),
    (0, 0, 192),
]
NOTICE: Colour = (36, 40, 48)
WHITE: Colour = (255, 255, 255)


@pytest.fixture
def screen() -> Iterator[Desktop]:
    """A screen with no window on it."""
    with desktop() as found:
        yield found


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraWindow]:
    """One with the test pattern, for the tests that leave it open."""
    folder = tmp_path_factory.mktemp("window")
    arguments = ("--source", "test", "--pictures", "taken")
    with desktop() as screen, CameraWindow(screen, folder, *arguments) as found:
        yield found


# --- the window --------------------------------------------------------------------------------


def test_the_window_shows_the_camera(window: CameraWindow) -> None:
    until(lambda: window.desktop.shows(BARS))


def test_r_takes_pictures_with_the_next_free_numbers(window: CameraWindow) -> None:
    first, second = (window.folder / f"taken/picture_000{number}.jpg" for number in (1, 2))
    until(lambda: window.desktop.shows(BARS))
    window.press("r")
    window.wait_for("saved taken/picture_0001.jpg\n")
    kept = first.read_bytes()
    window.press("r")
    window.wait_for("saved taken/picture_0002.jpg\n")
    assert first.read_bytes() == kept
    for picture in (decoded(kept), decoded(second.read_bytes())):
        assert picture.shape == (480, 640, 3)
        # Without the line that the window shows: that part of the pattern is black.
        assert picture[460:475].max() < 10


def test_a_slider_changes_the_picture_and_0_puts_it_back(window: CameraWindow) -> None:
    until(lambda: window.desktop.shows(BARS))
    before = window.desktop.handle_of_the_first_slider()
    window.desktop.drag(before, right=400)
    until(lambda: window.desktop.shows([WHITE, (255, 255, 128)]))
    assert window.desktop.handle_of_the_first_slider()[0] > before[0] + 150
    window.press("0")
    until(lambda: window.desktop.shows(BARS))
    until(lambda: window.desktop.handle_of_the_first_slider() == before)


def test_q_ends_it(screen: Desktop, tmp_path: Path) -> None:
    with CameraWindow(screen, tmp_path, "--source", "test", "--operation", "grayscale") as window:
        until(lambda: screen.shows([(192, 192, 192), (170, 170, 170), (135, 135, 135)]))
        window.press("q")
        assert window.ended() == 0


def test_closing_the_window_ends_it(screen: Desktop, tmp_path: Path) -> None:
    with CameraWindow(screen, tmp_path, "--source", "test") as window:
        screen.ask_to_close(window.window)
        assert window.ended() == 0


# --- what may go wrong -------------------------------------------------------------------------


def test_a_source_that_fails_is_a_notice_and_is_opened_again(
    screen: Desktop, tmp_path: Path
) -> None:
    with CameraWindow(screen, tmp_path, "--source", "street.mp4") as window:
        until(lambda: screen.shows([NOTICE]))
        window.press("r")
        window.wait_for("there is no picture to take: there is no file street.mp4")
        write_video(tmp_path / "new.mp4", frames=1)
        (tmp_path / "new.mp4").rename(tmp_path / "street.mp4")
        until(lambda: not screen.shows([NOTICE]))
        window.press("r")
        window.wait_for("saved pictures/picture_0001.jpg")
        window.press("q")
        assert window.ended() == 0
    assert number_of(decoded((tmp_path / "pictures/picture_0001.jpg").read_bytes())) == 0


def test_a_source_that_does_not_answer_holds_up_neither_keys_nor_the_end(
    screen: Desktop, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"http://me:secret@127.0.0.1:{port}/stream"
        with CameraWindow(screen, tmp_path, "--source", url) as window:
            silent.accept()[0].close()  # the first attempt ends, the second one hangs
            until(lambda: screen.shows([NOTICE]))
            connection, _ = silent.accept()
            window.press("q")
            assert window.ended() == 0
            connection.close()
            assert "secret" not in window.output


def refused(*arguments: str) -> str:
    """What the command says on standard error before it exits with 2."""
    done = CliRunner().invoke(commands, ["camera", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize(
    ("display", "reason"),
    [("", "DISPLAY is not set"), ("nohost.invalid:0", "could not connect to display nohost")],
)
def test_no_display_is_said_and_2(
    monkeypatch: pytest.MonkeyPatch, display: str, reason: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    said = refused("--source", "test")
    assert said.startswith(f"there is no display to open a window on: {reason}")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--operation", "split=1"), "the window shows one"),
        (("--operation", "blurr"), "did you mean 'blur'?"),
        (("--source", "ftp://camera"), "DARKROOM_CAMERA (value not shown): expected"),
    ],
)
def test_a_wrong_option_is_said_and_2(arguments: tuple[str, str], reason: str) -> None:
    assert reason in refused(*arguments)


# --- the threads -------------------------------------------------------------------------------


def test_nothing_piles_up_for_one_who_is_slow() -> None:
    newest: Newest[int] = Newest()
    for item in range(100):
        newest.put(item)
    assert (newest.take(0), newest.take(0)) == (99, None)


def next_picture(feed: Feed) -> Image:
    """Past the notices."""
    while True:
        frame = feed.frames.take(20)
        assert frame is not None
        if frame.problem is None:
            return frame.image


def test_settings_outlive_a_source_that_was_lost() -> None:
    with HttpCamera(frames=3) as camera:
        feed = Feed(Address.parse(camera.url))
        feed.change("brightness", 100)
        feed.start()
        try:
            for _ in range(2):
                assert camera.connected.acquire(timeout=20)
                assert next_picture(feed).min() >= 120
        finally:
            assert feed.close(5)


def shot_of(image: Image, *operations: str) -> Frame:
    """What `operations` make of a frame."""
    frames: Newest[Frame] = Newest()
    settings = load_settings()
    effects = Effects(frames, pipeline_of(list(operations), None, settings), settings)
    effects.start()
    try:
        frames.put(Frame(image))
        shot = effects.shots.take(20)
        assert shot is not None
        return shot
    finally:
        assert effects.close(20)


def test_an_operation_that_does_not_fit_is_a_notice_in_the_pictures_place() -> None:
    shot = shot_of(np.zeros((120, 160, 3), np.uint8), "resize=99")
    assert shot.problem is not None
    assert "over the limit" in shot.problem
    assert shot.image.shape == (120, 160, 3)


def test_a_stored_recipe_stands_for_operations(client: TestClient, workspace: Path) -> None:
    client.put("/v1/recipes/edges", json={"operations": ["canny"]}).raise_for_status()
    settings = load_settings(store=f"sqlite:///{workspace / 'darkroom.db'}")
    steps = pipeline_of([], "edges", settings).steps
    assert [operation.op for _, operation in steps] == ["canny"]
