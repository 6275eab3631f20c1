"""The camera over HTTP: state, settings, single frames, pictures."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.conftest import services
from tests.service.cameras import decoded, number_of, write_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("camera")
    write_video(folder / "street.mp4", frames=20, fps=50)
    return folder


@pytest.fixture(scope="module")
def application(folder: Path) -> Iterator[FastAPI]:
    """Its camera is a video; it is used outside its lifespan."""
    settings = load_settings(
        camera=str(folder / "street.mp4"),
        camera_pictures=str(folder / "pictures"),
        camera_viewers=3,
        store=f"sqlite:///{folder / 'darkroom.db'}",
        library=str(folder),
        workers=1,
    )
    application = create_app(settings)
    yield application
    services(application).camera.close()
    services(application).engine.close(1)


@pytest.fixture(scope="module")
def camera(application: FastAPI) -> TestClient:
    return TestClient(application, raise_server_exceptions=False)


@pytest.fixture
def unset(camera: TestClient) -> Iterator[None]:
    """Settings that the test changes are put back."""
    yield
    names = ("brightness", "width", "height", "fps")
    camera.patch("/v1/camera/settings", json=dict.fromkeys(names)).raise_for_status()


def setting(state: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in state["settings"] if item["name"] == name)
    return found


def problem(answer: Any, slug: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"/problems/{slug}", body
    return body


# --- state -------------------------------------------------------------------------------------


def test_looking_at_the_state_opens_nothing(folder: Path) -> None:
    application = create_app(load_settings(camera=str(folder / "street.mp4"), workers=1))
    state = TestClient(application).get("/v1/camera").json()
    assert (state["kind"], state["name"], state["open"]) == ("file", "street.mp4", False)
    assert (state["width"], state["fps"], state["viewers"]) == (None, None, 0)
    assert {item["by"] for item in state["settings"]} == {None}


def test_the_state_of_an_open_camera(camera: TestClient) -> None:
    camera.get("/v1/camera/frame")
    state = camera.get("/v1/camera").json()
    assert (state["open"], state["width"], state["height"]) == (True, 160, 120)
    assert state["problem"] is None
    assert setting(state, "brightness") == {
        "name": "brightness",
        "value": 50,
        "minimum": 0,
        "maximum": 100,
        "default": 50,
        "unit": "%",
        "by": "software",
    }


# --- one frame ---------------------------------------------------------------------------------


def test_one_frame(camera: TestClient) -> None:
    answer = camera.get("/v1/camera/frame")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert decoded(answer.content).shape == (120, 160, 3)


def test_frames_are_new_ones(camera: TestClient) -> None:
    shown = {number_of(decoded(camera.get("/v1/camera/frame").content)) for _ in range(30)}
    assert len(shown) > 1


def test_a_frame_with_operations(camera: TestClient) -> None:
    query = {"operations": ["brightness=-255", "crop=0,0,80,60", "invert"]}
    image = decoded(camera.get("/v1/camera/frame", params=query).content)
    assert (image.shape, image.min()) == ((60, 80, 3), 255)


@pytest.mark.parametrize(("width", "shape"), [(80, (60, 80)), (4000, (120, 160))])
@pytest.mark.parametrize("operations", [[], ["grayscale"]])
def test_the_width_is_the_most_that_is_shown(
    camera: TestClient, width: int, shape: tuple[int, int], operations: list[str]
) -> None:
    query: dict[str, Any] = {"width": width, "operations": operations}
    assert decoded(camera.get("/v1/camera/frame", params=query).content).shape[:2] == shape


def test_the_quality_makes_smaller_files(camera: TestClient) -> None:
    low, high = (
        len(camera.get(f"/v1/camera/frame?operations=noise=40&quality={quality}").content)
        for quality in (5, 95)
    )
    assert low < high / 4


def test_a_frame_by_a_recipe(camera: TestClient) -> None:
    recipe = {"operations": ["crop=0,0,32,16"], "encode": {"format": "png"}}
    camera.put("/v1/recipes/corner", json=recipe).raise_for_status()
    answer = camera.get("/v1/camera/frame", params={"recipe": "corner"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert decoded(answer.content).shape == (16, 32, 3)


@pytest.mark.parametrize(
    ("query", "slug", "pointer"),
    [
        ({"operations": "nope"}, "invalid-request", "/operations/0"),
        ({"operations": ["invert", "split"]}, "invalid-request", "/operations/1"),
        ({"operations": "crop=900,0,10,10"}, "step-failed", "/operations/0"),
        ({"quality": 0}, "invalid-request", "/quality"),
        ({"width": 1}, "invalid-request", "/width"),
        ({"fast": 1}, "invalid-request", "/fast"),
    ],
)
def test_a_wrong_query_says_what_is_wrong(
    camera: TestClient, query: dict[str, Any], slug: str, pointer: str
) -> None:
    body = problem(camera.get("/v1/camera/frame", params=query), slug)
    assert [fault["pointer"] for fault in body["errors"]] == [pointer]


def test_a_recipe_that_is_not_there(camera: TestClient) -> None:
    problem(camera.get("/v1/camera/stream", params={"recipe": "gone"}), "not-stored")


def test_a_camera_without_a_picture_says_why(tmp_path: Path) -> None:
    settings = load_settings(camera=str(tmp_path / "gone.mp4"), workers=1)
    application = create_app(settings)
    client = TestClient(application)
    for answer in (client.get("/v1/camera/frame"), client.post("/v1/camera/pictures")):
        body = problem(answer, "camera-unavailable")
        assert (answer.status_code, body["detail"]) == (503, "there is no file gone.mp4")
    assert client.get("/v1/camera").json()["problem"] == "there is no file gone.mp4"
    services(application).camera.close()


# --- settings ----------------------------------------------------------------------------------


def test_settings_are_for_all_viewers(camera: TestClient, unset: None) -> None:
    change = {"brightness": 100, "width": 80}
    state = camera.patch("/v1/camera/settings", json=change).json()
    assert [setting(state, name)["value"] for name in ("brightness", "width", "height")] == [
        100,
        80,
        60,
    ]
    assert setting(state, "brightness")["by"] == "software"
    image = decoded(camera.get("/v1/camera/frame").content)
    assert image.shape == (60, 80, 3)
    assert image.min() > 120


def test_null_puts_a_setting_back(camera: TestClient, unset: None) -> None:
    camera.patch("/v1/camera/settings", json={"brightness": 80})
    state = camera.patch("/v1/camera/settings", json={"brightness": None}).json()
    assert setting(state, "brightness")["value"] == 50


def test_nothing_to_change_changes_nothing(camera: TestClient) -> None:
    assert camera.patch("/v1/camera/settings", json={}).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"brightness": 101}, "/brightness"),
        ({"white_balance": 1000}, "/white_balance"),
        ({"width": 80.5}, "/width"),
        ({"fps": "fast"}, "/fps"),
        ({"zoom": 2}, "/zoom"),
        ({"gain": float("1e400")}, "/gain"),
        ({"brightness": "60"}, "/brightness"),
        ({"brightness": True}, "/brightness"),
        ({"width": True}, "/width"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(
    camera: TestClient, change: dict[str, Any], pointer: str
) -> None:
    text = json.dumps(change).replace("Infinity", "1e400")
    answer = camera.patch(
        "/v1/camera/settings", content=text, headers={"Content-Type": "application/json"}
    )
    body = problem(answer, "invalid-request")
    assert [fault["pointer"] for fault in body["errors"]] == [pointer]


# --- pictures ----------------------------------------------------------------------------------


def test_a_picture_is_taken_and_can_be_had(camera: TestClient, folder: Path) -> None:
    answer = camera.post("/v1/camera/pictures")
    picture = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == picture["url"]
    assert (picture["width"], picture["height"]) == (160, 120)
    content = camera.get(picture["url"])
    assert content.headers["content-type"] == "image/jpeg"
    assert len(content.content) == picture["bytes"]
    assert (folder / "pictures" / picture["name"]).read_bytes() == content.content


def test_a_picture_with_operations(camera: TestClient) -> None:
    query = {"operations": ["crop=0,0,40,30"]}
    picture = camera.post("/v1/camera/pictures", params=query).json()
    assert (picture["width"], picture["height"]) == (40, 30)


def test_operations_in_a_body_are_refused(camera: TestClient) -> None:
    answer = camera.post("/v1/camera/pictures", json={"operations": ["grayscale"]})
    assert "belong in the query" in problem(answer, "invalid-request")["detail"]


def test_an_empty_object_is_no_body(camera: TestClient) -> None:
    assert camera.post("/v1/camera/pictures", json={}).status_code == 201


def test_pictures_taken_at_once_have_names_of_their_own(camera: TestClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: camera.post("/v1/camera/pictures").json(), range(16)))
    assert len({picture["name"] for picture in taken}) == 16


def test_pictures_are_listed_in_pages(camera: TestClient) -> None:
    taken = [camera.post("/v1/camera/pictures").json() for _ in range(3)]
    first = camera.get("/v1/camera/pictures", params={"limit": 2}).json()
    query = {"limit": 1, "cursor": first["next"]}
    second = camera.get("/v1/camera/pictures", params=query).json()
    assert first["pictures"] + second["pictures"] == taken[::-1]


def test_a_picture_can_be_removed(camera: TestClient) -> None:
    url = camera.post("/v1/camera/pictures").json()["url"]
    assert camera.delete(url).status_code == 204
    problem(camera.get(url), "not-stored")
    problem(camera.delete(url), "not-stored")


@pytest.mark.parametrize("name", ["..%2fdarkroom.db", "darkroom.db", "picture_1.jpg"])
def test_only_pictures_can_be_had(camera: TestClient, name: str) -> None:
    assert camera.get(f"/v1/camera/pictures/{name}").status_code == 404
    assert camera.delete(f"/v1/camera/pictures/{name}").status_code == 404


def test_a_file_that_is_no_picture_is_listed_without_a_size(
    camera: TestClient, folder: Path
) -> None:
    path = folder / "pictures" / "picture_8000.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_text("not a picture")
    (first, *_) = camera.get("/v1/camera/pictures").json()["pictures"]
    path.unlink()
    assert (first["name"], first["width"]) == (path.name, None)
