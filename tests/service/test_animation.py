"""Animations over HTTP: they come back moving, are planned by their header, and are limited."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from processors.probing import probe
from tests.processors.files import pixels_of
from tests.processors.moving import animated, same, shown, squares
from tests.samples import photograph
from tests.service.uploading import ADDRESS, good, refused

FRAMES = squares((30, 200, 10))
GIF = animated(FRAMES, duration=[40, 50, 60, 70], loop=0)


@pytest.mark.parametrize(
    ("query", "media_type"),
    [
        ("", "image/gif"),
        ("&format=gif", "image/gif"),
        ("&format=webp&lossless=true", "image/webp"),
        ("&format=png", "image/png"),
    ],
)
def test_an_animated_gif_comes_back_animated(
    client: TestClient, query: str, media_type: str
) -> None:
    response = good(client.post(f"{ADDRESS}?operations=flip{query}", content=GIF))
    assert response.headers["content-type"] == media_type
    found = shown(response.content)
    assert same(list(found.frames), [frame[:, ::-1] for frame in FRAMES])
    assert (found.durations, found.loop) == ([40, 50, 60, 70], 0)


def test_a_jpeg_gets_the_first_frame(client: TestClient) -> None:
    response = good(client.post(f"{ADDRESS}?format=jpeg", content=GIF))
    assert response.headers["content-type"] == "image/jpeg"
    assert pixels_of(response.content).shape == (40, 60, 3)


def test_a_split_is_a_zip_of_animations(client: TestClient) -> None:
    wide = animated([np.hstack([frame, frame[:, ::-1]]) for frame in FRAMES])  # type: ignore[misc]
    response = good(client.post(f"{ADDRESS}?operations=split=1,2", content=wide))
    archive = zipfile.ZipFile(BytesIO(response.content))
    assert archive.namelist() == ["image_1.gif", "image_2.gif"]
    parts = [shown(archive.read(name)) for name in archive.namelist()]
    assert same(list(parts[0].frames), FRAMES)
    assert same(list(parts[1].frames), [frame[:, ::-1] for frame in FRAMES])


def test_too_many_frames_name_the_setting(client: TestClient) -> None:
    many = animated([photograph(4, 4, seed=seed) for seed in range(201)], "PNG")
    response = client.post(ADDRESS, content=many)
    assert response.json()["type"] == "/problems/image-too-large"
    assert "201 frames are over the limit of 200 (DARKROOM_MAX_FRAMES)" in response.text
    good(client.post(f"{ADDRESS}?format=jpeg", content=many))


def test_a_truncated_animation_is_damaged(client: TestClient) -> None:
    refused(client.post(ADDRESS, content=GIF[:-40]), 422, "damaged-image")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_plan_counts_the_frames_of_a_large_file(
    client: TestClient, workspace: Path, kind: str
) -> None:
    path = workspace / "in" / f"moving.{kind.lower()}"
    frames = [photograph(320, 240, seed=seed) for seed in range(8)]
    path.write_bytes(animated(frames, kind))
    assert path.stat().st_size > 300_000  # more than the head that is read first
    (plan,) = client.post("/v1/plan", json=batch(path, workspace / "out" / "a.webp")).json()[
        "plans"
    ]
    assert plan["error"] is None
    assert plan["source"]["frames"] == 8
    assert plan["peak_bytes"] >= 8 * 320 * 240 * 3


def test_a_batch_writes_an_animation(client: TestClient, workspace: Path) -> None:
    path, output = workspace / "in" / "squares.gif", workspace / "out" / "squares.webp"
    path.write_bytes(GIF)
    (result,) = client.post("/v1/batches", json=batch(path, output)).json()["results"]
    assert result["status"] == "succeeded"
    assert [made["frames"] for made in result["outputs"]] == [4]
    assert len(shown(output.read_bytes()).frames) == 4


def test_items_has_the_first_frame_alone(client: TestClient, workspace: Path) -> None:
    path, output = workspace / "in" / "item.gif", workspace / "out" / "item.png"
    path.write_bytes(GIF)
    answer = client.post("/items/", json=batch(path, output))
    assert answer.headers["Darkroom-Skipped"] == "0"
    assert probe(output.read_bytes()).frames == 1
    assert same([pixels_of(output.read_bytes())], [FRAMES[0][:, ::-1]])


def batch(path: Path, output: Path) -> dict[str, object]:
    images = [{"input": str(path), "output": str(output)}]
    return {"images": images, "operations": ["flip"]}
