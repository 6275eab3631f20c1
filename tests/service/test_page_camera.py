"""The camera's page: its forms belong to a session, and lead nowhere else."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings

KEY = "a-key-of-the-camera-01"
FORMS = [
    "settings",
    "pictures",
    "pictures/picture_0001.jpg/delete",
    "pictures/picture_0001.jpg/lab",
    "recordings",
    "recordings/stop",
    "recordings/recording_0001.mp4/delete",
]


def client_of(workspace: Path, **settings: str) -> TestClient:
    """A client that follows no redirects, of a service with the test pattern as its camera."""
    found = load_settings(
        camera="test",
        camera_pictures=str(workspace / "pictures"),
        library=str(workspace / "in"),
        store=f"sqlite:///{workspace / 'camera.db'}",
        **settings,
    )
    return TestClient(create_app(found), follow_redirects=False)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_another_session_is_refused(workspace: Path, form: str) -> None:
    client = client_of(workspace, api_keys=KEY)
    client.post("/session", data={"key": KEY, "next": "/camera"})
    answer = client.post(
        f"/camera/{form}", data={"form_token": "x"}, headers={"Origin": "http://testserver"}
    )
    assert answer.status_code == 403
    assert "another session" in answer.text


def test_a_form_leads_back_to_the_look_and_nowhere_else(workspace: Path) -> None:
    client = client_of(workspace)
    look = "operations=canny%3D80%2C160&next=//elsewhere.example&width=320&cursor=x"
    answer = client.post("/camera/settings", data={"look": look})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/camera?operations=canny%3D80%2C160&width=320"


def test_a_setting_out_of_its_range_is_told(workspace: Path) -> None:
    answer = client_of(workspace).post("/camera/settings", data={"brightness": "900"})
    assert answer.status_code == 422
    assert "/brightness: Input should be less than or equal to 100" in answer.text


def test_a_look_with_a_wrong_width_is_told_and_the_picture_is_shown_without(
    workspace: Path,
) -> None:
    answer = client_of(workspace).get("/camera", params={"width": "9", "operations": "canny"})
    assert answer.status_code == 200
    assert "/width: Input should be greater than or equal to 16" in answer.text
    assert 'src="/v1/camera/stream"' in answer.text


def test_a_picture_is_taken_in_full_size_whatever_the_look(workspace: Path) -> None:
    client = client_of(workspace)
    look = "operations=grayscale&width=64&quality=5&fps=1"
    assert client.post("/camera/pictures", data={"look": look}).status_code == 303
    (picture,) = client.get("/v1/camera/pictures").json()["pictures"]
    assert (picture["width"], picture["height"]) == (640, 480)
    small = client.get(f"/camera/pictures/{picture['name']}/thumbnail")
    assert small.headers["content-type"] == "image/webp"


def test_markup_in_a_look_is_text(workspace: Path) -> None:
    attack = "</textarea><img src=x onerror=alert(1)>"
    answer = client_of(workspace).get("/camera", params={"operations": attack, "recipe": attack})
    assert "<img src=x" not in answer.text


@pytest.mark.parametrize("name", ["picture_0009.jpg", "..%2F..%2Fetc%2Fpasswd", "in.png"])
def test_a_picture_that_is_not_there_is_a_page_that_says_so(workspace: Path, name: str) -> None:
    client = client_of(workspace)
    for path in (f"/camera/pictures/{name}", f"/camera/pictures/{name}/thumbnail"):
        answer = client.get(path)
        assert answer.status_code == 404
