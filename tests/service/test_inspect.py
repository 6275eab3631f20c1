"""`/v1/inspect`: the report of an upload, and of a file on the server."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from processors.inspection import Report
from tests.conftest import services
from tests.live import ROOT
from tests.service.uploading import good, refused

ADDRESS = "/v1/inspect"


@pytest.fixture
def photo(workspace: Path) -> bytes:
    """A JPEG of 160 by 120 pixels."""
    return (workspace / "in/photo.jpg").read_bytes()


def test_the_three_ways_give_the_same_report(
    client: TestClient, photo: bytes, workspace: Path
) -> None:
    as_body = good(client.post(ADDRESS, content=photo))
    as_form = good(client.post(ADDRESS, files={"file": ("a.jpg", photo)}))
    as_path = good(client.get(ADDRESS, params={"path": str(workspace / "in/photo.jpg")}))
    assert as_body.json() == as_form.json() == as_path.json()
    assert as_body.headers["content-type"] == "application/json"
    assert (as_body.json()["width"], as_body.json()["height"]) == (160, 120)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp", "gray.png", "deep.png"])
def test_the_answer_has_every_field_of_its_schema(
    client: TestClient, workspace: Path, name: str
) -> None:
    answer = good(client.get(ADDRESS, params={"path": str(workspace / "in" / name)}))
    assert set(answer.json()) == set(Report.model_fields)
    Report.model_validate(answer.json(), strict=True)


def test_text_is_no_image(client: TestClient, workspace: Path) -> None:
    refused(client.post(ADDRESS, content=b"Hello, world!"), 415, "unsupported-format")
    path = str(workspace / "in/text.jpg")
    refused(client.get(ADDRESS, params={"path": path}), 415, "unsupported-format")


def test_a_truncated_image_is_damaged(client: TestClient, workspace: Path) -> None:
    path = workspace / "in/truncated.jpg"
    refused(client.post(ADDRESS, content=path.read_bytes()), 422, "damaged-image")
    refused(client.get(ADDRESS, params={"path": str(path)}), 422, "damaged-image")


def test_an_empty_body_is_malformed(client: TestClient) -> None:
    refused(client.post(ADDRESS, content=b""), 400, "malformed-request")


def test_a_form_without_a_file_is_refused(client: TestClient) -> None:
    response = client.post(ADDRESS, files={"picture": ("a.jpg", b"abc")})
    assert set(refused(response, 422, "invalid-request")) == {"/file"}


def test_a_form_with_other_fields_is_refused(client: TestClient, photo: bytes) -> None:
    files = {"file": ("a.jpg", photo)}
    response = client.post(ADDRESS, files=files, data={"operations": "blur"})
    assert set(refused(response, 422, "invalid-request")) == {"/operations"}


def test_too_many_bytes_are_refused(client: TestClient, app: FastAPI) -> None:
    limit = services(app).limits.max_bytes
    refused(client.post(ADDRESS, content=bytes(limit + 1)), 413, "image-too-large")


def test_a_missing_file_is_not_found(client: TestClient, workspace: Path) -> None:
    path = str(workspace / "in/none.jpg")
    refused(client.get(ADDRESS, params={"path": path}), 404, "source-not-found")


@pytest.mark.parametrize("path", ["/etc/passwd", "{root}/../secret.jpg", "", "a\0b"])
def test_a_path_outside_is_refused(client: TestClient, workspace: Path, path: str) -> None:
    path = path.format(root=workspace)
    refused(client.get(ADDRESS, params={"path": path}), 403, "path-refused")


def test_a_path_is_needed(client: TestClient) -> None:
    refused(client.get(ADDRESS), 422, "invalid-request")


def samples(client: TestClient, name: str) -> dict[str, str]:
    lines = client.get("/metrics").text.splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith(name))


def test_an_inspection_is_no_written_image(client: TestClient, photo: bytes) -> None:
    before = samples(client, "darkroom_images_total"), samples(client, "darkroom_operations")
    good(client.post(ADDRESS, content=photo))
    after = samples(client, "darkroom_images_total"), samples(client, "darkroom_operations")
    assert after == before


def test_a_failed_inspection_is_counted(client: TestClient, photo: bytes) -> None:
    name = 'darkroom_images_failed_total{kind="damaged-image",operation=""}'
    before = float(samples(client, name).get(name, 0))
    client.post(ADDRESS, content=photo[:1000])
    assert float(samples(client, name)[name]) == before + 1


def test_every_field_is_described(client: TestClient) -> None:
    description: dict[str, Any] = client.get("/openapi.json").json()
    schema = description["components"]["schemas"]["Report"]["properties"]
    names = {"format", "alpha"}  # their types say it
    assert {name for name, field in schema.items() if "description" not in field} <= names
    for method in ("get", "post"):
        answer = description["paths"][ADDRESS][method]["responses"]["200"]["content"]
        assert answer["application/json"]["schema"] == {"$ref": "#/components/schemas/Report"}


def test_the_page_has_every_field(client: TestClient) -> None:
    page = (ROOT / "docs/inspect.md").read_text(encoding="utf-8")
    assert [name for name in Report.model_fields if f"`{name}`" not in page] == []
