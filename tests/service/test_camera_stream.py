"""The stream of the camera, over sockets of a real server."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from processors.operation import Image
from tests.live import LiveServer, until
from tests.service.cameras import (
    HttpCamera,
    Watcher,
    decoded,
    frames_of,
    number_of,
    watching,
    write_video,
)
from tests.service.crowd import Crowd
from tests.service.load import assert_gone

FPS = 25
LARGE = "quality=100&operations=resize=640x480&operations=noise=99"
"""Half a megabyte a picture: what is not read fills the buffers at once."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    write_video(folder / "street.mp4", frames=20, fps=FPS)
    return folder


@pytest.fixture(scope="module")
def camera(folder: Path) -> Iterator[LiveServer]:
    """A server whose camera is a video, for 30 viewers."""
    settings = {"camera": "street.mp4", "camera_viewers": 30, "library": "none", "workers": 1}
    with LiveServer(folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(camera: LiveServer) -> Iterator[httpx2.Client]:
    with camera.client() as client:
        yield client


@pytest.fixture
def alone(client: httpx2.Client) -> None:
    """No viewers are left of the test before."""
    until(lambda: viewers(client) == 0)


def viewers(client: httpx2.Client) -> int:
    return int(client.get("/v1/camera").json()["viewers"])


def encodes(client: httpx2.Client) -> int:
    return int(client.get("/v1/camera").json()["encodes"])


def test_a_stream_is_a_multipart_of_jpegs(camera: LiveServer) -> None:
    with watching(camera.url) as watcher:
        head = watcher.head()
        shown = [number_of(decoded(watcher.part())) for _ in range(5)]
    assert head.startswith("HTTP/1.1 200")
    assert "content-type: multipart/x-mixed-replace; boundary=frame" in head
    assert "cache-control: no-store" in head
    assert len(set(shown)) == 5


@pytest.mark.parametrize(("query", "rate"), [("", FPS), ("fps=5", 5)])
def test_the_rate_is_that_of_the_source_or_a_lower_one(
    camera: LiveServer, alone: None, query: str, rate: int
) -> None:
    with Crowd(camera.url, 1, query) as crowd:
        crowd.read_until_all_have(3)
        (found,) = crowd.read(1)
    assert 0.7 * rate - 0.5 < found < 1.1 * rate + 0.5


def test_operations_run_on_the_stream(camera: LiveServer, alone: None) -> None:
    with watching(camera.url, "operations=brightness=-255&operations=invert&width=80") as watcher:
        watcher.head()
        for _ in range(3):
            image = decoded(watcher.part())
            assert image.shape == (60, 80, 3)
            assert image.min() == 255


def test_an_operation_that_does_not_fit_is_a_notice(camera: LiveServer, alone: None) -> None:
    with watching(camera.url, "operations=crop=900,0,10,10") as watcher:
        assert watcher.head().startswith("HTTP/1.1 200")
        notice = decoded(watcher.part())
    assert notice.shape == (120, 160, 3)
    assert notice.std() > 5


def test_a_frame_is_encoded_once_for_all(
    camera: LiveServer, client: httpx2.Client, alone: None
) -> None:
    with Crowd(camera.url, 10) as crowd:
        crowd.read_until_all_have(3)
        before, began = encodes(client), time.monotonic()
        rates = crowd.read(1)
        made = (encodes(client) - before) / (time.monotonic() - began)
    assert min(rates) > 0.85 * made
    assert FPS / 2 < made < 1.2 * FPS


def test_other_parameters_are_other_encodes(
    camera: LiveServer, client: httpx2.Client, alone: None
) -> None:
    with Crowd(camera.url, 2, "quality=30") as crowd, Crowd(camera.url, 2, "quality=40") as other:
        crowd.read_until_all_have(3)
        other.read_until_all_have(3)
        before, began = encodes(client), time.monotonic()
        crowd.read(1)
        made = (encodes(client) - before) / (time.monotonic() - began)
    assert 1.2 * FPS < made < 2.2 * FPS


def test_those_who_never_read_hold_up_nobody(
    camera: LiveServer, client: httpx2.Client, alone: None
) -> None:
    with Crowd(camera.url, 10, LARGE), Crowd(camera.url, 5, LARGE) as crowd:
        crowd.read_until_all_have(20)
        before, began = encodes(client), time.monotonic()
        rates = crowd.read(1)
        made = (encodes(client) - before) / (time.monotonic() - began)
    assert min(rates) > 0.85 * made
    assert made > 1


def test_one_viewer_too_many_is_refused(
    camera: LiveServer, client: httpx2.Client, alone: None
) -> None:
    with Crowd(camera.url, 30) as crowd:
        crowd.read_until_all_have(1)
        answer = client.get("/v1/camera/stream")
    assert answer.status_code == 503
    assert answer.json()["detail"].endswith("the limit (DARKROOM_CAMERA_VIEWERS)")


def test_one_way_too_many_is_refused(
    camera: LiveServer, client: httpx2.Client, alone: None
) -> None:
    with ExitStack() as stack:
        for quality in range(1, 17):
            watcher = stack.enter_context(watching(camera.url, f"fps=1&quality={quality}"))
            watcher.head()
        answer = client.get("/v1/camera/stream", params={"quality": 99})
    assert answer.status_code == 503
    assert "16 ways" in answer.json()["detail"]


def test_a_viewer_who_leaves_is_no_viewer(camera: LiveServer, client: httpx2.Client) -> None:
    with watching(camera.url) as watcher:
        watcher.part()
        assert viewers(client) >= 1
    until(lambda: viewers(client) == 0)


@dataclass
class Life:
    """What was seen of a server whose camera died and came back, and that was ended then."""

    picture: Image
    notice: Image
    again: Image
    said: str
    code: int
    seconds: float
    closed: bool


@pytest.fixture(scope="module")
def life(folder: Path) -> Iterator[Life]:
    with (
        HttpCamera() as source,
        LiveServer(folder, camera=source.url, library="none", workers=1) as server,
    ):
        with watching(server.url) as watcher:
            watcher.head()
            picture = decoded(watcher.part())
            source.die()
            notice = next(image for image in pictures_of(watcher) if image.std() > 5)
            source.come_back()
            again = next(image for image in pictures_of(watcher) if image.std() < 5)
        with server.client() as client, Crowd(server.url, 20) as crowd:
            said = client.get("/v1/camera").text
            client.post("/v1/camera/recordings", json={}).raise_for_status()
            crowd.read_until_all_have(2)
            family = server.family()
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            crowd.read_to_the_end()
            code = server.wait(20)
            seconds = time.monotonic() - began
            assert_gone(family, 1)
            said += "\n".join(server.lines)
            yield Life(picture, notice, again, said, code, seconds, crowd.open == 0)


def pictures_of(watcher: Watcher) -> Iterator[Image]:
    while jpeg := watcher.part():
        yield decoded(jpeg)


def test_without_a_picture_there_is_a_notice(life: Life) -> None:
    assert life.picture.shape == life.notice.shape == life.again.shape == (120, 160, 3)


def test_credentials_are_in_no_log_and_no_answer(life: Life) -> None:
    assert "http://127.0.0.1:" in life.said
    assert "secret-word" not in life.said


def test_the_server_ends_with_viewers(life: Life) -> None:
    assert life.code in (0, -signal.SIGTERM)
    assert life.seconds < 5
    assert life.closed


def test_a_recording_is_finished_when_the_server_ends(life: Life, folder: Path) -> None:
    (path,) = (folder / "pictures").iterdir()
    assert path.name == "recording_0001.mp4"
    assert frames_of(path)[0] > 1
