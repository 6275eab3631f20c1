"""`skip_unchanged`: what would come out the same is not made again."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchRequest
from service.jobs.batch import run_batch
from service.unstored import batch_of
from tests.conftest import services
from tests.samples import photograph
from tests.service.batching import ADDRESS
from tests.service.storing import folder_of, jpeg

COUNT = 8


@pytest.fixture
def folder(stored: TestClient, tmp_path: Path) -> Path:
    folder = folder_of(stored) / tmp_path.name
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.jpg").write_bytes(jpeg(40 + number, 30))
    return folder


def out(folder: Path) -> Path:
    return folder.parent / "out" / folder.name


def body_of(folder: Path, operations: Sequence[Any]) -> dict[str, Any]:
    images = [
        {"input": f"{folder}/{n}.jpg", "output": f"{out(folder)}/{n}.png"} for n in range(COUNT)
    ]
    return {"images": images, "operations": operations}


def run(client: TestClient, folder: Path, *operations: str, **more: Any) -> Any:
    """The results by number, after a batch that skips what is unchanged."""
    body = {**body_of(folder, operations or ["flip"]), "skip_unchanged": True, **more}
    response = client.post(ADDRESS, json=body)
    assert response.status_code == 200, response.text
    return response.json()["results"]


def made(results: Any) -> list[int]:
    assert all(result["unchanged"] == (result["status"] == "skipped") for result in results)
    return [result["index"] for result in results if result["status"] == "succeeded"]


def test_only_what_has_changed_is_made_again(stored: TestClient, folder: Path) -> None:
    first = run(stored, folder)
    assert made(first) == list(range(COUNT))
    times = {path: path.stat().st_mtime_ns for path in out(folder).iterdir()}
    for number in (1, 4, 6):
        (folder / f"{number}.jpg").write_bytes(jpeg(80, 60))
    second = run(stored, folder)
    assert made(second) == [1, 4, 6]
    untouched = [path for path, time in times.items() if path.stat().st_mtime_ns == time]
    assert len(untouched) == COUNT - 3
    assert [one["outputs"] for one in second if one["unchanged"]] == [
        one["outputs"] for one in first if one["index"] not in (1, 4, 6)
    ]


def test_an_output_that_is_gone_or_was_touched_is_made_again(
    stored: TestClient, folder: Path
) -> None:
    run(stored, folder)
    (out(folder) / "2.png").unlink()
    (out(folder) / "3.png").write_bytes(b"of somebody else")
    os.utime(out(folder) / "5.png", ns=(1, 1))
    assert made(run(stored, folder)) == [2, 3, 5]
    assert made(run(stored, folder)) == []


@pytest.mark.parametrize(
    "other",
    [{"operations": ["flip", "blur=3"]}, {"encode": {"compression": 9}}, {"fidelity": "exact"}],
)
def test_other_operations_or_options_make_all_again(
    stored: TestClient, folder: Path, other: dict[str, Any]
) -> None:
    run(stored, folder)
    more = {"operations": ["flip"], **other}
    assert made(run(stored, folder, **more)) == list(range(COUNT))


def test_an_input_with_another_time_and_the_same_bytes_is_left(
    stored: TestClient, folder: Path
) -> None:
    run(stored, folder)
    for path in folder.iterdir():
        os.utime(path, ns=(1, 1))
    assert made(run(stored, folder)) == []


def test_another_watermark_makes_all_again(stored: TestClient, folder: Path) -> None:
    mark = folder / "mark.png"
    cv2.imwrite(str(mark), photograph(8, 8))
    operations = [{"op": "watermark", "path": str(mark)}]
    first = run(stored, folder, operations=operations)
    assert made(first) == list(range(COUNT))
    assert made(run(stored, folder, operations=operations)) == []
    cv2.imwrite(str(mark), photograph(9, 9))
    assert made(run(stored, folder, operations=operations)) == list(range(COUNT))


def test_a_watermark_that_is_replaced_meanwhile_is_noticed(
    stored: TestClient, folder: Path
) -> None:
    """Between the look at what is known and the work: the first picture has the second mark."""
    mark = folder / "mark.png"
    cv2.imwrite(str(mark), photograph(8, 8))
    operations = ["grayscale", {"op": "watermark", "path": str(mark)}]
    first = mark.read_bytes()
    found = services(stored.app)  # type: ignore[arg-type]
    body = {**body_of(folder, operations), "skip_unchanged": True}
    batch = batch_of(BatchRequest.model_validate(body), found)

    async def make() -> None:
        known = await found.unchanged.known_of(batch)
        cv2.imwrite(str(mark), photograph(9, 9, seed=2))
        results = [one async for one in run_batch(found.dispatcher, batch, known)]
        await found.unchanged.note([(batch.images[one.index], one) for one in results])

    assert stored.portal is not None
    stored.portal.call(make)
    assert made(run(stored, folder, operations=operations)) == []
    mark.write_bytes(first)
    assert made(run(stored, folder, operations=operations)) == list(range(COUNT))


def test_steps_that_were_left_out_are_told_again(stored: TestClient, folder: Path) -> None:
    more = {"operations": ["flip", "crop=41,0,2,2", "sharpe"], "on_invalid": "skip"}
    first = run(stored, folder, **more)
    second = run(stored, folder, **more)
    assert made(second) == []
    assert [one["warnings"] for one in second] == [one["warnings"] for one in first]
    assert [fault["pointer"] for fault in second[0]["warnings"]] == ["/operations/1"]
    moved = {**more, "operations": ["sharpe", "flip", "crop=41,0,2,2"]}
    third = run(stored, folder, **moved)
    assert [fault["pointer"] for fault in third[0]["warnings"]] == ["/operations/2"]


def test_steps_of_a_variant_that_were_left_out_are_told_again(
    stored: TestClient, folder: Path
) -> None:
    variants = [{"output": f"{out(folder)}/v.png", "operations": ["crop=900,0,2,2"]}]
    images = [{"input": f"{folder}/0.jpg", "variants": variants}]
    body = {"images": images, "on_invalid": "skip", "skip_unchanged": True}
    first, second = (stored.post(ADDRESS, json=body).json()["results"][0] for _ in range(2))
    assert second["unchanged"]
    assert second["warnings"] == first["warnings"]
    assert [fault["pointer"] for fault in first["warnings"]] == ["/variants/0/operations/0"]


def test_a_failure_is_tried_again(stored: TestClient, folder: Path) -> None:
    (folder / "0.jpg").write_bytes(b"no image")
    assert run(stored, folder)[0]["status"] == "failed"
    (folder / "0.jpg").write_bytes(jpeg(50, 40))
    assert made(run(stored, folder)) == [0]


def test_variants_are_left_alone_together(stored: TestClient, folder: Path) -> None:
    variants = [
        {"output": f"{out(folder)}/{{stem}}_{{width}}.webp", "operations": ["resize=0.5"]},
        {"output": f"{out(folder)}/{{stem}}.png"},
    ]
    body = {"images": [{"input": f"{folder}/*.jpg"}], "variants": variants, "skip_unchanged": True}

    def done() -> list[int]:
        return made(stored.post(ADDRESS, json=body).json()["results"])

    assert done() == list(range(COUNT))
    assert done() == []
    (out(folder) / "3.png").unlink()
    assert done() == [3]


def test_without_it_everything_is_made(stored: TestClient, folder: Path) -> None:
    run(stored, folder)
    assert made(run(stored, folder, skip_unchanged=False)) == list(range(COUNT))
