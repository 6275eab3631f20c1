"""Batches over object stores: through a live server, and by the command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from service.cli.patterns import PatternError
from service.cli.requests import Arguments, request_of
from tests.live import ROOT, LiveServer, environment
from tests.object_store import KEY_ID, SECRET, S3Server, using
from tests.pages import block_of
from tests.service.batching import ADDRESS
from tests.service.commands import run
from tests.service.storing import jpeg

PHOTOS = {"2026/a.jpg": (40, 30), "2026/01/b.jpg": (50, 30), "2026/01/c.jpg": (60, 30)}


@dataclass
class Place:
    """A server that reads `in` and s3://photos, and writes to `out` and s3://results."""

    s3: S3Server
    folder: Path
    live: LiveServer

    def batch(self, *images: tuple[str, str], **more: Any) -> Any:
        """The answer to a batch of pairs of inputs and outputs."""
        pairs = [{"input": source, "output": output} for source, output in images]
        with self.live.client() as client:
            answer = client.post(ADDRESS, json={"images": pairs, **more})
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.text
        return answer.json()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("stores")
    (folder / "in").mkdir()
    (folder / "in/local.jpg").write_bytes(jpeg(40, 30))
    with S3Server() as s3, using(s3.url, folder):
        s3.bucket("photos", {key: jpeg(*size) for key, size in PHOTOS.items()})
        s3.bucket("results")
        roots = {"read_roots": "in,s3://photos", "write_roots": "out,s3://results/made"}
        with LiveServer(
            folder, workers=1, log_level="debug", object_retries=0, worker_memory="768MiB", **roots
        ) as live:
            yield Place(s3, folder, live)


def width_of(data: bytes) -> int:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return int(image.shape[1])


def test_a_pattern_of_a_store_is_read_and_written(place: Place) -> None:
    answer = place.batch(
        ("s3://photos/2026/**/*.jpg", "s3://results/made/{parent}/{stem}_{width}.png"),
        operations=["resize=0.5"],
    )
    assert answer["counts"] == {"total": 3, "succeeded": 3, "failed": 0, "skipped": 0}
    paths = [result["outputs"][0]["path"] for result in answer["results"]]
    assert paths == [
        "s3://results/made/photos/2026/a_20.png",
        "s3://results/made/photos/2026/01/b_25.png",
        "s3://results/made/photos/2026/01/c_30.png",
    ]
    assert width_of(place.s3.get("results", "made/photos/2026/a_20.png")) == 20


def test_the_request_of_the_docs_works(place: Place) -> None:
    body = json.loads(block_of("docs/storage.md", "json"))
    with place.live.client() as client:
        answer = client.post(ADDRESS, json=body).json()
    assert answer["counts"]["succeeded"] == 3
    assert place.s3.has("results", "made/photos/2026/01/b.webp")


def test_files_become_objects_and_objects_files(place: Place) -> None:
    answer = place.batch(
        ("in/local.jpg", "s3://results/made/local.webp"),
        ("s3://photos/2026/a.jpg", "out/fetched.png"),
    )
    assert answer["counts"]["succeeded"] == 2
    assert width_of(place.s3.get("results", "made/local.webp")) == 40
    assert width_of((place.folder / "out/fetched.png").read_bytes()) == 40


def test_the_smallest_worker_takes_many_objects_at_once(place: Place) -> None:
    source, names = "s3://photos/2026/a.jpg", [f"s3://results/made/many/{n}.png" for n in range(40)]
    answer = place.batch(*((source, name) for name in names))
    assert answer["counts"]["succeeded"] == 40
    assert place.s3.has("results", "made/many/39.png")


def test_variants_of_an_object_are_written(place: Place) -> None:
    image = {"input": "s3://photos/2026/a.jpg"}
    variants = [
        {"output": "s3://results/made/{stem}_{width}.webp", "operations": ["resize=20x"]},
        {"output": "out/{parent}/{name}", "operations": ["resize=10x"]},
    ]
    with place.live.client() as client:
        answer = client.post(ADDRESS, json={"images": [image], "variants": variants})
    assert answer.json()["counts"]["succeeded"] == 1, answer.text
    assert place.s3.has("results", "made/a_20.webp")
    assert (place.folder / "out/photos/2026/a.jpg").exists()


def test_an_image_fails_alone_and_says_where_and_why(place: Place) -> None:
    answer = place.batch(
        ("s3://photos/2026/no.jpg", "out/1.png"),
        ("s3://elsewhere/a.jpg", "out/2.png"),
        ("in/local.jpg", "s3://results/other.png"),
        ("s3://photos/2026/a.jpg", "s3://results/made/fine.png"),
    )
    errors = [result["error"] for result in answer["results"]]
    assert [error and error["type"].rpartition("/")[2] for error in errors] == [
        "source-not-found",
        "path-refused",
        "path-refused",
        None,
    ]
    assert [error["errors"][0]["pointer"] for error in errors[:3]] == [
        "/images/0/input",
        "/images/1/input",
        "/images/2/output",
    ]


def test_two_spellings_of_one_output_are_one(place: Place) -> None:
    answer = place.batch(
        ("in/local.jpg", "s3://results/made/twice.png"),
        ("s3://photos/2026/a.jpg", "S3://results/made/twice.png"),
    )
    assert [result["status"] for result in answer["results"]] == ["succeeded", "failed"]
    assert answer["results"][1]["error"]["type"] == "/problems/output-taken"


def test_an_output_that_has_not_changed_is_left_alone(place: Place) -> None:
    pairs = [
        (f"s3://photos/2026/{name}.jpg", f"s3://results/made/kept/{name}.png")
        for name in ("a", "01/b")
    ]
    for expected in (["succeeded"] * 2, ["skipped"] * 2):
        answer = place.batch(*pairs, skip_unchanged=True)
        assert [result["status"] for result in answer["results"]] == expected
    place.s3.put("results", "made/kept/a.png", b"touched by another")
    answer = place.batch(*pairs, skip_unchanged=True)
    assert [result["status"] for result in answer["results"]] == ["succeeded", "skipped"]


def test_a_plan_reads_the_headers_of_objects(place: Place) -> None:
    images = [{"input": "s3://photos/2026/a.jpg", "output": "s3://results/made/plan.png"}]
    with place.live.client() as client:
        (plan,) = client.post("/v1/plan", json={"images": images}).json()["plans"]
    assert plan["error"] is None
    assert plan["outputs"] == ["s3://results/made/plan.png"]
    assert not place.s3.has("results", "made/plan.png")


def test_a_result_in_a_store_can_be_looked_at(place: Place) -> None:
    id = place.batch(("s3://photos/2026/a.jpg", "s3://results/made/look.png"))["id"]
    with place.live.client() as client:
        for end in ("outputs/0", "input"):
            picture = client.get(f"/v1/jobs/{id}/results/0/{end}")
            assert picture.status_code == 200, picture.text
        page = client.get(f"/jobs/{id}", headers={"Accept": "text/html"})
    assert "s3://results/made/look.png" in page.text


def test_a_pattern_without_a_match_is_refused(place: Place) -> None:
    body = {"images": [{"input": "s3://photos/*.tif", "output": "out/{name}"}]}
    with place.live.client() as client:
        answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 422
    assert "s3://photos/*.tif: no file matches" in answer.text


def test_no_secret_is_logged(place: Place) -> None:
    images = [{"input": "s3://photos/2026/no.jpg", "output": "s3://results/made/no.png"}]
    with place.live.client() as client:  # workers log nothing, and plans are made in the server
        assert "there is no object" in client.post("/v1/plan", json={"images": images}).text
    place.live.wait_for("POST /v1/plan")
    log = "\n".join(place.live.lines)
    for secret in (SECRET, KEY_ID, "AWS4-HMAC", "Signature"):
        assert secret not in log


def test_the_command_reads_and_writes_what_is_typed(place: Place) -> None:
    done = run(
        place.folder,
        *("--input", "s3://photos/2026/**/*.jpg", "--operation", "resize=0.5", "--json"),
        *("--output", "s3://results/typed/{stem}.png"),
    )
    assert done.returncode == 0, done.stderr
    paths = [result["outputs"][0]["path"] for result in json.loads(done.stdout)["results"]]
    assert paths == [f"s3://results/typed/{name}.png" for name in "abc"]
    assert width_of(place.s3.get("results", "typed/c.png")) == 30
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("s3://missing/*.jpg", "there is no bucket s3://missing"),
        ("s3://photos/*.tif", "no object matches"),
        ("s3://photos/../*.jpg", "no part of it may be empty"),
    ],
)
def test_the_command_says_why_nothing_is_found(place: Place, pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        request_of(Arguments([pattern], "out/{name}"))


def test_without_a_url_among_the_roots_no_client_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import "
        "load_settings; create_app(load_settings()); "
        "print({'fsspec', 's3fs', 'botocore', 'aiohttp', 'gcsfs', 'adlfs'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
