"""What a job made, to look at: reduced, and confined to what the job itself wrote."""

from pathlib import Path
from typing import Any

import cv2
import pytest
from fastapi.testclient import TestClient

from tests.service.storing import folder_of, jpeg
from tests.service.test_jobs import batch, ended, events, submit
from tests.service.uploading import decoded


@pytest.fixture
def job(stored: TestClient, request: pytest.FixtureRequest) -> str:
    """The id of an ended job of two images: one is fine, one is none."""
    body = batch(stored, request.node.name.partition("[")[0][:60], 2)
    body |= {"operations": ["split=1,2"]}
    Path(body["images"][1]["input"]).write_text("not an image")
    id: str = submit(stored, body).json()["id"]
    ended(stored, id)
    return id


def outputs(client: TestClient, id: str) -> list[Any]:
    results = client.get(f"/v1/jobs/{id}/results?status=succeeded").json()["results"]
    return [output for result in results for output in result["outputs"]]


def look(client: TestClient, id: str, what: str) -> tuple[int, str]:
    answer = client.get(f"/v1/jobs/{id}/results/{what}")
    return answer.status_code, answer.json()["type"]


def test_a_result_is_shown_as_a_small_webp(stored: TestClient, job: str) -> None:
    answer = stored.get(f"/v1/jobs/{job}/results/0/outputs/1?size=16")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert decoded(answer.content).shape == (16, 11, 3)


def test_a_result_is_never_made_larger(stored: TestClient, job: str) -> None:
    answer = stored.get(f"/v1/jobs/{job}/results/0/outputs/0?size=400")
    assert decoded(answer.content).shape == (30, 20, 3)


def test_the_input_is_shown_as_it_is_now(stored: TestClient, job: str) -> None:
    answer = stored.get(f"/v1/jobs/{job}/results/0/input")
    assert decoded(answer.content).shape == (30, 40, 3)
    assert look(stored, job, "1/input") == (415, "/problems/unsupported-format")


@pytest.mark.parametrize("what", ["0/outputs/2", "1/outputs/0", "2/outputs/0", "2/input"])
def test_what_is_not_there_is_not_found(stored: TestClient, job: str, what: str) -> None:
    assert look(stored, job, what) == (404, "/problems/not-stored")


def test_an_unknown_job_has_no_pictures(stored: TestClient) -> None:
    assert look(stored, "none", "0/outputs/0") == (404, "/problems/not-stored")


@pytest.mark.parametrize("what", ["-1/outputs/0", "0/outputs/-1", f"{2**70}/input"])
def test_numbers_that_cannot_be_are_refused(stored: TestClient, what: str) -> None:
    assert look(stored, "none", what) == (422, "/problems/invalid-request")


def test_what_has_replaced_a_result_is_not_shown(stored: TestClient, job: str) -> None:
    cv2.imwrite(outputs(stored, job)[0]["path"], cv2.imread(outputs(stored, job)[1]["path"])[:9])
    assert look(stored, job, "0/outputs/0") == (404, "/problems/source-not-found")


def test_a_link_in_the_place_of_a_result_leads_nowhere_else(stored: TestClient, job: str) -> None:
    output = outputs(stored, job)[0]
    secret = folder_of(stored) / "secret.png"
    secret.write_bytes(Path(output["path"]).read_bytes())
    Path(output["path"]).unlink()
    Path(output["path"]).symlink_to(secret)
    assert look(stored, job, "0/outputs/0") == (403, "/problems/path-refused")


def test_an_input_that_may_not_be_read_any_more_is_not_shown(
    stored: TestClient, job: str, tmp_path: Path
) -> None:
    found = stored.get(f"/v1/jobs/{job}/results").json()["results"]
    source = Path(next(one["input"] for one in found if one["index"] == 0))
    (tmp_path / "elsewhere.jpg").write_bytes(jpeg())
    source.unlink()
    source.symlink_to(tmp_path / "elsewhere.jpg")
    assert look(stored, job, "0/input") == (403, "/problems/path-refused")


def test_events_begin_where_a_client_says(stored: TestClient, job: str) -> None:
    numbers = [number for kind, number, _ in events(stored, job) if kind == "result"]
    with stored.stream("GET", f"/v1/jobs/{job}/events?after={numbers[0]}") as stream:
        text = "".join(stream.iter_text())
    assert [line for line in text.splitlines() if line.startswith("id: ")] == [f"id: {numbers[1]}"]
    assert "event: end" in text
