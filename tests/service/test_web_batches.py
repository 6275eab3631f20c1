"""Batches whose inputs are on the web: each below a root, and each failing alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.service.storing import jpeg
from tests.service.uploading import decoded, good
from tests.service.web_server import WebServer, moved, ok


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as found:
        found.answers["/open/photo.jpg"] = ok(jpeg(40, 30))
        yield found


@pytest.fixture(scope="module")
def client(server: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application that may read below /open."""
    folder = tmp_path_factory.mktemp("web")
    settings = load_settings(
        store=f"sqlite:///{folder / 'darkroom.db'}",
        library=str(folder),
        read_roots=server.url("/open"),
        write_roots=str(folder),
        workers=1,
        http_allow_private=True,
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as found:
        yield found


def result(client: TestClient, url: str, output: str) -> Any:
    """What a batch of one image says of it."""
    body = {"images": [{"input": url, "output": output}], "operations": ["resize=20x10"]}
    (found,) = good(client.post("/v1/batches", json=body)).json()["results"]
    return found


def folder_of(client: TestClient) -> Path:
    app: Any = client.app
    found = app.state.services.settings.storage.write_roots[0]
    return Path(str(found))


def error(client: TestClient, url: str) -> tuple[str, str]:
    """Kind and words of why an image failed."""
    found = result(client, url, f"{folder_of(client)}/none.png")["error"]
    return found["type"], found["detail"]


def test_an_image_of_the_web_is_processed(client: TestClient, server: WebServer) -> None:
    made = folder_of(client) / "made.png"
    found = result(client, server.url("/open/photo.jpg?w=40"), str(made))
    assert found["status"] == "succeeded", found
    assert decoded(made.read_bytes()).shape == (10, 20, 3)


def test_what_is_not_there_fails_its_image(client: TestClient, server: WebServer) -> None:
    kind, detail = error(client, server.url("/open/none.jpg?key=hidden"))
    assert kind == "/problems/source-not-found"
    assert "the server answered 404" in detail
    assert "hidden" not in detail


def test_what_lies_below_no_root_is_not_asked_for(client: TestClient, server: WebServer) -> None:
    kind, detail = error(client, server.url("/closed/photo.jpg", ok(jpeg(40, 30))))
    assert kind == "/problems/path-refused"
    assert "DARKROOM_READ_ROOTS" in detail
    assert server.requests("/closed/photo.jpg") == []


def test_a_redirect_out_of_the_roots_is_not_followed(client: TestClient, server: WebServer) -> None:
    kind, detail = error(client, server.url("/open/leads.jpg", moved("/closed/next.jpg")))
    assert kind == "/problems/path-refused"
    assert "/open/leads.jpg is redirected: " in detail
    assert server.requests("/closed/next.jpg") == []


def test_a_web_server_is_not_written_to(client: TestClient, server: WebServer) -> None:
    url = server.url("/open/photo.jpg")
    found = result(client, url, f"{url}.png")["error"]
    assert found["type"] == "/problems/path-refused"
    assert "DARKROOM_WRITE_ROOTS" in found["detail"]
    assert server.requests("/open/photo.jpg.png") == []
