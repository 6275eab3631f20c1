"""Recording the camera."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.conftest import services
from tests.live import until
from tests.service.cameras import frames_of, write_video

FPS = 20
CURRENT = "/v1/camera/recordings/current/stop"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    write_video(folder / "street.mp4", fps=FPS)
    return folder


def make(folder: Path, **settings: Any) -> FastAPI:
    return create_app(
        load_settings(
            camera=str(folder / "street.mp4"),
            camera_pictures=str(folder / "pictures"),
            workers=1,
            **settings,
        )
    )


@pytest.fixture(scope="module")
def camera(folder: Path) -> Iterator[TestClient]:
    application = make(folder)
    yield TestClient(application, raise_server_exceptions=False)
    services(application).camera.close()


def start(camera: TestClient, **request: float) -> dict[str, Any]:
    answer = camera.post("/v1/camera/recordings", json=request)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def current(camera: TestClient) -> dict[str, Any] | None:
    found: dict[str, Any] | None = camera.get("/v1/camera/recordings").json()["current"]
    return found


def test_a_recording_has_the_length_that_was_asked_for(camera: TestClient, folder: Path) -> None:
    progress = start(camera, seconds=0.5)
    assert (progress["limit"], progress["fps"], progress["width"]) == (0.5, FPS, 160)
    until(lambda: current(camera) is None)
    (recording, *_) = camera.get("/v1/camera/recordings").json()["recordings"]
    path = folder / "pictures" / recording["name"]
    assert frames_of(path) == (10, FPS, (160, 120))


def test_a_recording_can_be_stopped(camera: TestClient, folder: Path) -> None:
    start(camera, seconds=60, fps=50)
    until(lambda: (current(camera) or {"frames": 0})["frames"] >= 10)
    recording = camera.post(CURRENT).json()
    count, fps, _ = frames_of(folder / "pictures" / recording["name"])
    assert count >= 10
    assert fps == 50


def test_a_recording_can_be_had_in_parts(camera: TestClient) -> None:
    start(camera, seconds=60)
    url = camera.post(CURRENT).json()["url"]
    whole = camera.get(url)
    part = camera.get(url, headers={"Range": "bytes=4-7"})
    assert whole.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert camera.delete(url).status_code == 204
    assert camera.get(url).status_code == 404


def test_one_at_a_time(camera: TestClient) -> None:
    start(camera, seconds=60)
    answer = camera.post("/v1/camera/recordings", json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/recording-conflict")
    assert camera.post(CURRENT).status_code == 200
    assert camera.post(CURRENT).status_code == 409


def test_half_a_recording_is_not_to_be_seen(camera: TestClient, folder: Path) -> None:
    start(camera, seconds=60)
    under_way = {path.name for path in (folder / "pictures").glob("recording_*")}
    recording = camera.post(CURRENT).json()
    assert recording["name"] not in under_way
    assert list((folder / "pictures").glob(".*")) == []


def test_it_goes_on_when_the_viewers_have_left(camera: TestClient) -> None:
    camera.get("/v1/camera/frame")
    start(camera, seconds=60)
    until(lambda: camera.get("/v1/camera").json()["viewers"] == 0)
    before = current(camera)
    assert before is not None
    until(lambda: (current(camera) or before)["frames"] > before["frames"] + 5)
    camera.post(CURRENT)


def test_a_change_of_size_does_not_end_it(camera: TestClient, folder: Path) -> None:
    start(camera, seconds=60)
    camera.patch("/v1/camera/settings", json={"width": 80})
    until(lambda: (current(camera) or {"frames": 0})["frames"] > 5)
    recording = camera.post(CURRENT).json()
    camera.patch("/v1/camera/settings", json={"width": None})
    assert frames_of(folder / "pictures" / recording["name"])[2] == (160, 120)


@pytest.mark.parametrize(
    "request_",
    [
        {"seconds": 0},
        {"seconds": 3601},
        {"seconds": "5"},
        {"fps": 0.5},
        {"fps": True},
        {"length": 1},
    ],
)
def test_a_wrong_request_is_refused(camera: TestClient, request_: dict[str, Any]) -> None:
    assert camera.post("/v1/camera/recordings", json=request_).status_code == 422


def test_it_ends_at_the_limit_of_bytes(folder: Path) -> None:
    application = make(folder, camera_max_recording=260 * 1024)
    client = TestClient(application)
    client.patch("/v1/camera/settings", json={"width": 640}).raise_for_status()
    start(client, seconds=3600, fps=60)
    until(lambda: current(client) is None)
    (recording, *_) = client.get("/v1/camera/recordings").json()["recordings"]
    services(application).camera.close()
    assert 2_000 < recording["bytes"] <= 260 * 1024


def test_a_camera_without_a_picture_is_not_recorded(tmp_path: Path) -> None:
    application = make(tmp_path)
    client = TestClient(application, raise_server_exceptions=False)
    answer = client.post("/v1/camera/recordings", json={})
    services(application).camera.close()
    assert (answer.status_code, answer.json()["detail"]) == (503, "there is no file street.mp4")


def test_a_folder_that_cannot_be_written_is_said_to_be(folder: Path) -> None:
    application = create_app(
        load_settings(camera=str(folder / "street.mp4"), camera_pictures="/proc/none", workers=1)
    )
    client = TestClient(application, raise_server_exceptions=False)
    for path in ("recordings", "pictures"):
        answer = client.post(f"/v1/camera/{path}", json={})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/output-unwritable")
    services(application).camera.close()


def test_a_recording_whose_folder_is_removed_is_said_to_be_gone(
    folder: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    application = create_app(
        load_settings(camera=str(folder / "street.mp4"), camera_pictures=str(pictures), workers=1)
    )
    client = TestClient(application, raise_server_exceptions=False)
    start(client, seconds=60)
    shutil.rmtree(pictures)
    answer = client.post(CURRENT)
    services(application).camera.close()
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "the recording's file is gone: was its folder removed?",
    )
