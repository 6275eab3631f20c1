"""`POST /v1/process`: one image in, its results out, nothing on disk."""

import json
import re
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.service.uploading import ADDRESS, decoded, good, post_form


@pytest.fixture
def photo(workspace: Path) -> bytes:
    """A JPEG of 160 by 120 pixels."""
    return (workspace / "in/photo.jpg").read_bytes()


# ------------------------------------------------------------------------------- good requests


def test_a_raw_body_comes_back_as_it_is_asked_for(client: TestClient, photo: bytes) -> None:
    query = "?operations=resize=0.5&operations=blur=5&format=webp&quality=80"
    response = good(client.post(ADDRESS + query, content=photo))
    assert response.headers["content-type"] == "image/webp"
    assert decoded(response.content).shape == (60, 80, 3)


def test_the_headers_tell_the_size_and_the_timings(client: TestClient, photo: bytes) -> None:
    response = good(client.post(f"{ADDRESS}?operations=resize=64x48", content=photo))
    assert response.headers["Darkroom-Width"] == "64"
    assert response.headers["Darkroom-Height"] == "48"
    assert "Darkroom-Skipped" not in response.headers
    shown = response.headers["Server-Timing"]
    timings = re.findall(r"(\w+);dur=([\d.]+)", shown)
    assert [stage for stage, _ in timings] == ["decode", "operations", "encode", "total"]
    assert re.findall(r'(step-\d);desc="(\w+)";dur=[\d.]+', shown) == [("step-0", "resize")]
    assert float(timings[3][1]) > 0


def test_the_format_is_the_inputs_when_none_is_given(client: TestClient, workspace: Path) -> None:
    for name, media_type in (("photo.png", "image/png"), ("photo.webp", "image/webp")):
        response = good(client.post(ADDRESS, content=(workspace / "in" / name).read_bytes()))
        assert response.headers["content-type"] == media_type


def test_the_content_type_of_the_upload_does_not_matter(client: TestClient, photo: bytes) -> None:
    headers = {"Content-Type": "image/png"}
    response = good(client.post(ADDRESS, content=photo, headers=headers))
    assert response.headers["content-type"] == "image/jpeg"


def test_quality_decides_the_size(client: TestClient, photo: bytes) -> None:
    small, large = (
        len(good(client.post(f"{ADDRESS}?quality={quality}", content=photo)).content)
        for quality in (10, 95)
    )
    assert small * 2 < large


def test_exact_pixels(client: TestClient, photo: bytes) -> None:
    query = "?operations=resize=0.25&fidelity=exact&format=png"
    response = good(client.post(ADDRESS + query, content=photo))
    expected = cv2.resize(decoded(photo), (40, 30), interpolation=cv2.INTER_AREA)
    assert np.array_equal(decoded(response.content), expected)


def test_a_form_with_operations_as_json(client: TestClient, photo: bytes) -> None:
    operations = json.dumps(["resize=0.5", {"op": "rotate", "degrees": 90}])
    response = good(post_form(client, photo, operations=operations, format="png"))
    assert decoded(response.content).shape == (80, 60, 3)


def test_a_form_with_operations_as_repeated_fields(client: TestClient, photo: bytes) -> None:
    response = good(post_form(client, photo, operations=["resize=0.5", "crop=0,0,10,20"]))
    assert decoded(response.content).shape == (20, 10, 3)


def test_a_form_with_one_operation_as_text(client: TestClient, photo: bytes) -> None:
    assert decoded(good(post_form(client, photo, operations="resize=0.5")).content).shape[1] == 80


def test_a_form_with_encode_as_json(client: TestClient, photo: bytes) -> None:
    response = good(post_form(client, photo, encode='{"format": "webp", "quality": 5}'))
    assert response.headers["content-type"] == "image/webp"


def test_the_form_wins_over_the_query(client: TestClient, photo: bytes) -> None:
    query = "?format=png&operations=resize=0.1"
    response = good(post_form(client, photo, query=query, operations="resize=0.5", format="bmp"))
    assert response.headers["content-type"] == "image/bmp"
    assert decoded(response.content).shape == (60, 80, 3)


def test_options_of_query_and_form_are_put_together(client: TestClient, photo: bytes) -> None:
    response = good(post_form(client, photo, query="?format=png", operations="resize=0.5"))
    assert response.headers["content-type"] == "image/png"
    assert decoded(response.content).shape == (60, 80, 3)


def test_skip_tells_how_many(client: TestClient, photo: bytes) -> None:
    query = "?operations=nonsense&operations=crop=900,900,1,1&operations=flip&on_invalid=skip"
    response = good(client.post(ADDRESS + query, content=photo))
    assert response.headers["Darkroom-Skipped"] == "2"


# ------------------------------------------------------------------------------- several results


def test_a_split_is_a_zip_with_the_parts_in_order(client: TestClient, photo: bytes) -> None:
    response = good(post_form(client, photo, "cat.photo.jpg", operations="split", format="png"))
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["Content-Disposition"] == 'attachment; filename="images.zip"'
    archive = zipfile.ZipFile(BytesIO(response.content))
    assert archive.testzip() is None
    assert archive.namelist() == [f"cat.photo_{number}.png" for number in range(1, 5)]
    whole = decoded(photo)
    quadrants = [whole[:60, :80], whole[:60, 80:], whole[60:, :80], whole[60:, 80:]]
    for name, expected in zip(archive.namelist(), quadrants, strict=True):
        assert np.array_equal(decoded(archive.read(name)), expected)


def test_the_parts_of_a_raw_body_have_a_name(client: TestClient, photo: bytes) -> None:
    response = good(client.post(f"{ADDRESS}?operations=split=1,2", content=photo))
    assert zipfile.ZipFile(BytesIO(response.content)).namelist() == ["image_1.jpg", "image_2.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        *("../../../etc/cron.d/x.jpg", "..\\..\\windows\\x.jpg", "C:\\x.jpg", "/abs/x.jpg", ".."),
        *(
            ".jpg",
            "a\0b.jpg",
            "ü" * 900 + ".jpg",
            "x" * 3000 + ".jpg",
            "a\nb.jpg",
            "con\x1b[1m.jpg",
        ),
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_names_in_the_zip_cannot_lead_out_of_its_folder(
    client: TestClient, photo: bytes, name: str
) -> None:
    response = good(post_form(client, photo, name, operations="split"))
    names = zipfile.ZipFile(BytesIO(response.content)).namelist()
    assert len(set(names)) == 4
    for inside in names:
        assert inside.isprintable()
        assert not set('/\\:"') & set(inside)
        assert len(inside.encode()) <= 255


# ------------------------------------------------------------------------------- traces


def descriptors() -> int:
    """How many descriptors this process has open, with the one that counts."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_file_and_no_descriptor_is_left(
    client: TestClient, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = photo + b"\0" * 2_000_000  # more than a form keeps in memory
    good(client.post(ADDRESS, content=photo))
    before = descriptors()
    for number in range(100):
        match number % 5:
            case 0:
                good(client.post(f"{ADDRESS}?operations=split", content=photo))
            case 1:
                good(post_form(client, large, operations="resize=0.5"))
            case 2:
                client.post(ADDRESS, content=b"no image")
            case 3:
                post_form(client, large, quality="wrong")
            case _:
                client.post(ADDRESS, files=[("file", ("a", large)), ("file", ("b", large))])
    assert descriptors() == before
    assert list(tmp_path.iterdir()) == []
