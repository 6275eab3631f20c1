"""`POST /v1/process` with what is wrong: a problem that says where."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.conftest import services
from tests.service.uploading import ADDRESS, good, post_form, refused


@pytest.fixture
def photo(workspace: Path) -> bytes:
    """A JPEG of 160 by 120 pixels."""
    return (workspace / "in/photo.jpg").read_bytes()


def test_an_empty_body_is_malformed(client: TestClient) -> None:
    refused(client.post(ADDRESS, content=b""), 400, "malformed-request")


def test_text_is_no_image(client: TestClient) -> None:
    refused(client.post(ADDRESS, content=b"Hello, world!"), 415, "unsupported-format")


def test_a_truncated_image_is_damaged(client: TestClient, photo: bytes) -> None:
    refused(client.post(ADDRESS, content=photo[: len(photo) // 2]), 422, "damaged-image")


def test_an_empty_file_in_a_form_is_no_image(client: TestClient) -> None:
    response = post_form(client, b"")
    assert response.status_code in (400, 415)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("?quality=101", "/quality"),
        ("?quality=best", "/quality"),
        ("?format=docx", "/format"),
        ("?fidelity=best", "/fidelity"),
        ("?operations=blur=-1", "/operations/0"),
        ("?operations=flip&operations=no_such_thing", "/operations/1"),
        ("?operations=", "/operations/0"),
        ("?on_invalid=", "/on_invalid"),
    ],
)
def test_a_wrong_option_is_pointed_at(
    client: TestClient, photo: bytes, query: str, at: str
) -> None:
    assert set(refused(client.post(ADDRESS + query, content=photo), 422, "invalid-request")) == {at}


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"quality": "101"}, "/quality"),
        ({"encode": '{"quality": 0}'}, "/encode/quality"),
        ({"encode": "high"}, "/encode"),
        ({"encode": "[]"}, "/encode"),
        (
            {"operations": '["flip", {"op": "blur", "kernel_size": -1}]'},
            "/operations/1/kernel_size",
        ),
        ({"operations": '[{"op": "blurr"}]'}, "/operations/0"),
        ({"operations": ["flip", "no_such_thing"]}, "/operations/1"),
        ({"operations": '{"op": "flip"}'}, "/operations"),
        ({"operations": '["flip"'}, "/operations"),
        ({"operations": "[" * 100_000}, "/operations"),
        ({"fidelity": "["}, "/fidelity"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_of_the_form_is_pointed_at(
    client: TestClient, photo: bytes, fields: dict[str, Any], at: str
) -> None:
    assert set(refused(post_form(client, photo, **fields), 422, "invalid-request")) == {at}


def test_an_unknown_query_option_is_refused_with_the_nearest(
    client: TestClient, photo: bytes
) -> None:
    faults = refused(client.post(f"{ADDRESS}?qualty=80", content=photo), 422, "invalid-request")
    assert faults == {"/qualty": "unknown key 'qualty'; did you mean 'quality'?"}


@pytest.mark.parametrize(
    ("field", "nearest"), [("qualty", "quality"), ("operation", "operations"), ("fidelty", "fidel")]
)
def test_an_unknown_field_of_the_form_is_refused_with_the_nearest(
    client: TestClient, photo: bytes, field: str, nearest: str
) -> None:
    faults = refused(post_form(client, photo, **{field: "80"}), 422, "invalid-request")
    assert set(faults) == {f"/{field}"}
    assert f"did you mean '{nearest}" in faults[f"/{field}"]


def test_a_step_that_does_not_fit_is_pointed_at(client: TestClient, photo: bytes) -> None:
    query = "?operations=flip&operations=crop=500,500,9,9"
    faults = refused(client.post(ADDRESS + query, content=photo), 422, "step-failed")
    assert set(faults) == {"/operations/1"}


def test_too_many_operations_are_refused(client: TestClient, photo: bytes) -> None:
    query = "?" + "&".join(["operations=flip"] * 101)
    faults = refused(client.post(ADDRESS + query, content=photo), 422, "invalid-request")
    assert set(faults) == {"/operations"}


def test_a_form_without_its_file_is_refused(client: TestClient) -> None:
    response = client.post(ADDRESS, files={"operations": (None, "flip")})
    assert refused(response, 422, "invalid-request") == {"/file": "is required"}


def test_a_form_with_its_file_under_another_name_is_refused(
    client: TestClient, photo: bytes
) -> None:
    response = client.post(ADDRESS, files={"image": ("a.jpg", photo)})
    assert set(refused(response, 422, "invalid-request")) == {"/file"}


def test_a_form_with_text_for_its_file_is_refused(client: TestClient) -> None:
    response = client.post(ADDRESS, files={"file": (None, "text")})
    assert set(refused(response, 422, "invalid-request")) == {"/file"}


def test_two_files_are_refused(client: TestClient, photo: bytes) -> None:
    files = [("file", ("a.jpg", photo)), ("file", ("b.jpg", photo))]
    refused(client.post(ADDRESS, files=files), 400, "malformed-request")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=", b"an empty boundary"),
        ("multipart/form-data; boundary=x", b"no such boundary in here"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
        ),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"'),
        ("multipart/form-data; boundary=x", b"--x\r\n\0\0\0\r\n\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x" + b"y" * 100_000),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--" + b"x" * 5000),
    ],
    ids=range(9),
)
def test_a_broken_form_is_a_problem_of_the_request(
    client: TestClient, content_type: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type}
    response = client.post(ADDRESS, content=body, headers=headers)
    assert response.status_code in (400, 422), response.text
    assert response.json()["type"] in ("/problems/malformed-request", "/problems/invalid-request")


def test_a_media_type_in_capitals_is_a_form_too(client: TestClient, photo: bytes) -> None:
    request = client.build_request("POST", ADDRESS, files={"file": ("a.jpg", photo)})
    kind = request.headers["content-type"]
    headers = {"Content-Type": kind.replace("multipart/form-data", "Multipart/Form-Data")}
    response = client.post(ADDRESS, content=request.read(), headers=headers)
    assert good(response).headers["content-type"] == "image/jpeg"


def test_a_field_of_a_megabyte_is_refused(client: TestClient, photo: bytes) -> None:
    response = post_form(client, photo, operations="x" * (1024 * 1024 + 1))
    refused(response, 400, "malformed-request")


@pytest.mark.parametrize("form", [False, True], ids=["raw", "form"])
def test_more_bytes_than_an_image_may_have_are_refused(
    workspace: Path, photo: bytes, form: bool
) -> None:
    settings = load_settings(read_roots=str(workspace), max_image_bytes="1KiB", workers=1)
    app = create_app(settings)
    client = TestClient(app, raise_server_exceptions=False)
    response = post_form(client, photo) if form else client.post(ADDRESS, content=photo)
    refused(response, 413, "image-too-large")
    assert not services(app).engine.status().running


def test_more_pixels_than_an_image_may_have_are_refused(client: TestClient) -> None:
    _, data = cv2.imencode(".png", np.zeros((7200, 7200), np.uint8))
    refused(client.post(ADDRESS, content=data.tobytes()), 413, "image-too-large")


@pytest.mark.parametrize("charset", ["punycode", "undefined", "utf-16"])
def test_a_form_in_another_charset_is_refused(client: TestClient, charset: str) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
    body = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--B--\r\n'
    response = client.post("/v1/process", content=body, headers=kind)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-request")
