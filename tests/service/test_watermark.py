"""Watermarks over HTTP: the worker reads them where inputs are read, and nowhere else."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.samples import photograph
from tests.service.batching import files, run
from tests.service.uploading import ADDRESS, decoded, good, post_form, refused

SECRET = "a secret that no answer may show"


@pytest.fixture
def photo(workspace: Path) -> bytes:
    """A PNG of 160 by 120 pixels."""
    return (workspace / "in/photo.png").read_bytes()


@pytest.fixture
def mark(workspace: Path) -> str:
    """A red mark of 40 by 20 pixels inside of the read roots."""
    path = workspace / "in" / "mark.png"
    cv2.imwrite(str(path), np.full((20, 40, 3), (0, 0, 255), np.uint8))
    return str(path)


@pytest.fixture
def outside(tmp_path: Path) -> str:
    """An image outside of the read roots."""
    path = tmp_path / "outside.png"
    cv2.imwrite(str(path), photograph(40, 20))
    return str(path)


def watermark(path: str, **parameters: object) -> dict[str, object]:
    return {"op": "watermark", "path": path, **parameters}


def process(client: TestClient, photo: bytes, *operations: object, **fields: str) -> dict[str, str]:
    """The faults of an upload whose operations cannot be applied."""
    response = post_form(client, photo, operations=json.dumps(operations), **fields)
    assert SECRET not in response.text
    return refused(response, 422, "step-failed")


def test_a_mark_inside_of_the_read_roots_is_laid(
    client: TestClient, photo: bytes, mark: str
) -> None:
    operations = json.dumps([watermark(mark, gravity="northwest", margin=0)])
    found = decoded(good(post_form(client, photo, operations=operations)).content)
    assert (found[:20, :40] == (0, 0, 255)).all()
    assert np.array_equal(found[20:], decoded(photo)[20:])


def test_the_text_form_takes_a_path(client: TestClient, photo: bytes, mark: str) -> None:
    response = client.post(
        ADDRESS, content=photo, params={"operations": f"watermark={mark},center"}
    )
    assert (decoded(good(response).content)[60, 80] == (0, 0, 255)).all()


def test_a_batch_lays_it_on_each_image(
    client: TestClient, workspace: Path, tmp_path: Path, mark: str
) -> None:
    out = workspace / "out" / tmp_path.name
    pairs = [(str(workspace / "in/photo.png"), out / f"{name}.png") for name in "abc"]
    body = run(client, pairs, watermark(mark, gravity="northwest", margin=0))
    assert [result["status"] for result in body["results"]] == ["succeeded"] * 3
    for _, path in pairs:
        assert (decoded(path.read_bytes())[:20, :40] == (0, 0, 255)).all()


def test_a_mark_outside_of_the_read_roots_is_a_fault_of_its_operation(
    client: TestClient, photo: bytes, outside: str
) -> None:
    faults = process(client, photo, "flip", watermark(outside))
    assert set(faults) == {"/operations/1"}
    assert "DARKROOM_READ_ROOTS" in faults["/operations/1"]


def test_a_batch_with_a_mark_outside_of_the_read_roots_fails_and_writes_nothing(
    client: TestClient, workspace: Path, tmp_path: Path, outside: str
) -> None:
    out = workspace / "out" / tmp_path.name
    body = run(client, [(str(workspace / "in/photo.png"), out / "a.png")], watermark(outside))
    (result,) = body["results"]
    assert result["status"] == "failed"
    (fault,) = result["error"]["errors"]
    assert fault["pointer"] == "/operations/0"
    assert "DARKROOM_READ_ROOTS" in fault["detail"]
    assert files(out) == set()


def test_whether_a_file_outside_is_there_is_not_told(
    client: TestClient, photo: bytes, outside: str
) -> None:
    there = process(client, photo, watermark(outside))["/operations/0"]
    missing = process(client, photo, watermark(outside + "x"))["/operations/0"]
    assert there.replace(outside, "PATH") == missing.replace(outside + "x", "PATH")


@pytest.mark.parametrize("way", ["link", "dots", "relative", "kernel", "address"])
def test_there_is_no_way_around(
    client: TestClient, photo: bytes, workspace: Path, tmp_path: Path, outside: str, way: str
) -> None:
    link = workspace / "in" / f"{tmp_path.name}.png"
    link.symlink_to(outside)
    path = {
        "link": str(link),
        "dots": f"{workspace}/in/../../{tmp_path.name}/outside.png",
        "relative": "README.md",
        "kernel": "/proc/self/environ",
        "address": f"file://{outside}",
    }[way]
    faults = process(client, photo, watermark(path))
    assert set(faults) == {"/operations/0"}
    assert "DARKROOM_READ_ROOTS" in faults["/operations/0"]


@pytest.mark.parametrize("name", ["secret.txt", "missing.png", "in"])
def test_what_is_no_image_is_a_fault_and_is_not_shown(
    client: TestClient, photo: bytes, workspace: Path, name: str
) -> None:
    (workspace / "secret.txt").write_text(SECRET)
    faults = process(client, photo, watermark(str(workspace / name)))
    assert set(faults) == {"/operations/0"}
    assert name in faults["/operations/0"]


def test_a_path_that_is_none_is_refused(client: TestClient, photo: bytes) -> None:
    assert set(process(client, photo, watermark("a\0b"))) == {"/operations/0"}


def test_a_mark_that_cannot_be_read_can_be_skipped(
    client: TestClient, photo: bytes, outside: str
) -> None:
    operations = json.dumps([watermark(outside)])
    response = good(post_form(client, photo, operations=operations, on_invalid="skip"))
    assert response.headers["Darkroom-Skipped"] == "1"
    assert np.array_equal(decoded(response.content), decoded(photo))
