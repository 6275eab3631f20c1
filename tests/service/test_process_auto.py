"""`format=auto`: the result has the format that the client's Accept header likes best."""

import io
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from tests.processors.files import file_of
from tests.samples import photograph
from tests.service.uploading import ADDRESS, good, post_form, refused

AUTO = f"{ADDRESS}?format=auto"
BROWSER = "text/html,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.fixture
def photo(workspace: Path) -> bytes:
    return (workspace / "in/photo.jpg").read_bytes()


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (BROWSER, "image/avif"),
        ("image/webp,*/*", "image/webp"),
        ("image/avif;q=0.5,image/webp;q=0.9", "image/webp"),
        ("IMAGE/AVIF;q=0,image/webp", "image/webp"),
        ("image/webp; q=0.3, image/jpeg; q=0.8", "image/jpeg"),
        ("image/webp;q=0.7,image/*;q=0.8", "image/jpeg"),
        ("image/avif;q=0", "image/jpeg"),
        ("image/avif;q=much", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("text/html", "image/jpeg"),
        ("", "image/jpeg"),
        (",;,;q=,q=1;", "image/jpeg"),
    ],
)
def test_the_accept_header_decides(
    client: TestClient, photo: bytes, accept: str, media_type: str
) -> None:
    response = good(client.post(AUTO, content=photo, headers={"Accept": accept}))
    assert response.headers["content-type"] == media_type
    assert "Accept" in response.headers["Vary"].split(", ")


@pytest.mark.parametrize(
    ("kind", "channels", "media_type"),
    [
        *[("png", 3, "image/png"), ("gif", 3, "image/gif"), ("webp", 3, "image/jpeg")],
        *[("webp", 4, "image/png"), ("tiff", 3, "image/jpeg"), ("tiff", 4, "image/png")],
    ],
)
def test_others_get_what_every_client_shows(
    client: TestClient, kind: str, channels: int, media_type: str
) -> None:
    data = file_of(photograph(32, 24, channels), kind)  # type: ignore[arg-type]
    response = good(client.post(AUTO, content=data, headers={"Accept": "*/*"}))
    assert response.headers["content-type"] == media_type


def test_an_animation_is_not_offered_as_avif(client: TestClient) -> None:
    frames = [Pillow.fromarray(np.full((16, 16, 3), level, np.uint8)) for level in (0, 90, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=100)
    answers = [
        good(client.post(AUTO, content=buffer.getvalue(), headers={"Accept": accept}))
        for accept in (BROWSER, "image/avif")
    ]
    assert [answer.headers["content-type"] for answer in answers] == ["image/webp", "image/gif"]


def test_a_form_may_ask_for_it_too(client: TestClient, photo: bytes) -> None:
    client.headers["Accept"] = "image/webp"
    for fields in ({"format": "auto"}, {"encode": '{"format": "auto", "quality": 50}'}):
        response = good(post_form(client, photo, **fields))
        assert response.headers["content-type"] == "image/webp"


def test_other_options_stay_beside_it(client: TestClient, photo: bytes) -> None:
    sizes = [
        len(good(client.post(f"{AUTO}&quality={quality}", content=photo)).content)
        for quality in (10, 95)
    ]
    assert sizes[0] < sizes[1] / 2


def test_a_result_of_a_stated_format_does_not_vary(client: TestClient, photo: bytes) -> None:
    response = good(client.post(f"{ADDRESS}?format=png", content=photo))
    assert "Accept" not in response.headers.get("Vary", "").split(", ")


def test_what_is_no_image_is_refused_as_ever(client: TestClient) -> None:
    response = client.post(AUTO, content=b"no image at all")
    plain = client.post(ADDRESS, content=b"no image at all")
    assert response.status_code == plain.status_code
    assert response.json()["detail"] == plain.json()["detail"]


def test_an_unknown_format_names_auto_among_the_known(client: TestClient, photo: bytes) -> None:
    faults = refused(client.post(f"{ADDRESS}?format=svg", content=photo), 422, "invalid-request")
    assert "'auto'" in next(iter(faults.values()))


def test_a_batch_refuses_it(client: TestClient, workspace: Path) -> None:
    body = {
        "images": [{"input": str(workspace / "in/photo.jpg"), "output": "out/photo.jpg"}],
        "encode": {"format": "auto"},
    }
    faults = refused(client.post("/v1/batches", json=body), 422, "invalid-request")
    assert list(faults) == ["/encode/format"]
    assert "Accept header" in faults["/encode/format"]
