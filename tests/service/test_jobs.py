"""Jobs over HTTP: waited for, watched, cancelled, done again."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.service.storing import folder_of, jpeg
from tests.service.uploading import decoded, good, refused

ASYNC = {"Prefer": "respond-async"}


def batch(client: TestClient, name: str, count: int = 3, **more: Any) -> dict[str, Any]:
    """A request for `count` images, each an input of its own."""
    folder = folder_of(client) / name
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(jpeg(40, 30))
    images = [
        {"input": f"{folder}/{n}.jpg", "output": f"{folder.parent}/out/{name}/{n}.png"}
        for n in range(count)
    ]
    return {"images": images, "operations": ["resize=20x10"], **more}


def submit(client: TestClient, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return client.post("/v1/batches", json=body, headers={**ASYNC, **headers})


def ended(client: TestClient, id: str) -> dict[str, Any]:
    """The job, when its events have come to their end."""
    return events(client, id)[-1][2]


def events(client: TestClient, id: str, last: int = 0) -> list[tuple[str, int, dict[str, Any]]]:
    """Kind, id and data of each event, until the stream ends."""
    found = []
    with client.stream(
        "GET", f"/v1/jobs/{id}/events", headers={"Last-Event-ID": str(last)}
    ) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for block in "".join(stream.iter_text()).split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
            if lines:
                number = int(lines.get("id", 0))
                found.append((lines["event"], number, json.loads(lines["data"])))
    return found


def test_who_prefers_it_gets_a_job_at_once(stored: TestClient) -> None:
    answer = submit(stored, batch(stored, "at_once"))
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert job["counts"]["total"] == 3
    job = ended(stored, job["id"])
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", 3)
    made = folder_of(stored) / "out/at_once/0.png"
    assert decoded(made.read_bytes()).shape == (10, 20, 3)


def test_who_waits_long_enough_gets_the_results(stored: TestClient) -> None:
    body = batch(stored, "waited")
    answer = good(stored.post("/v1/batches", json=body, headers={"Prefer": "wait=60"}))
    assert answer.headers["preference-applied"] == "wait=60"
    plain = good(stored.post("/v1/batches", json=body)).json()
    found = answer.json()
    for result in (*found["results"], *plain["results"]):
        result.pop("timings")
    assert found["results"] == plain["results"]
    assert (found["state"], found["counts"]) == ("completed", plain["counts"])


def test_results_are_in_pages_and_by_status(stored: TestClient) -> None:
    body = batch(stored, "paged", 5)
    Path(body["images"][2]["input"]).write_text("no image")
    id = submit(stored, body).json()["id"]
    ended(stored, id)
    found: list[int] = []
    cursor = 0
    while cursor is not None:
        page = good(stored.get(f"/v1/jobs/{id}/results?limit=2&cursor={cursor}")).json()
        found += [result["index"] for result in page["results"]]
        cursor = page["next"]
    assert sorted(found) == [0, 1, 2, 3, 4]
    failed = good(stored.get(f"/v1/jobs/{id}/results?status=failed")).json()["results"]
    assert [(one["index"], one["error"]["status"]) for one in failed] == [(2, 415)]


def test_results_come_as_lines(stored: TestClient) -> None:
    id = submit(stored, batch(stored, "lines", 4)).json()["id"]
    ended(stored, id)
    answer = good(stored.get(f"/v1/jobs/{id}/results.ndjson"))
    assert answer.headers["content-type"] == "application/x-ndjson"
    indexes = [json.loads(line)["index"] for line in answer.text.splitlines()]
    assert sorted(indexes) == [0, 1, 2, 3]


def test_events_tell_each_result_once_and_can_be_gone_on_with(stored: TestClient) -> None:
    id = submit(stored, batch(stored, "events", 6)).json()["id"]
    whole = events(stored, id)
    results = [(number, data["index"]) for kind, number, data in whole if kind == "result"]
    assert [number for number, _ in results] == [1, 2, 3, 4, 5, 6]
    assert sorted(index for _, index in results) == list(range(6))
    assert whole[-1][0] == "end"
    rest = events(stored, id, last=4)
    assert [number for kind, number, _ in rest if kind == "result"] == [5, 6]


def test_an_output_that_is_named_twice_fails_the_later_image(stored: TestClient) -> None:
    body = batch(stored, "twice")
    body["images"][2]["output"] = body["images"][0]["output"]
    id = submit(stored, body).json()["id"]
    assert ended(stored, id)["counts"] == {"total": 3, "succeeded": 2, "failed": 1, "skipped": 0}
    (failed,) = good(stored.get(f"/v1/jobs/{id}/results?status=failed")).json()["results"]
    assert (failed["index"], failed["error"]["type"]) == (2, "/problems/output-taken")


def test_faults_point_at_the_operations_of_the_request(stored: TestClient) -> None:
    operations = ["no_such_thing", "crop=500,500,5,5"]
    body = batch(stored, "faults", 1, operations=operations, on_invalid="skip")
    id = submit(stored, body).json()["id"]
    ended(stored, id)
    (result,) = good(stored.get(f"/v1/jobs/{id}/results")).json()["results"]
    assert [warning["pointer"] for warning in result["warnings"]] == ["/operations/1"]


# --- the same request again --------------------------------------------------------------------


def test_a_key_gives_the_same_job_again(stored: TestClient) -> None:
    body = batch(stored, "again")
    first = submit(stored, body, **{"Idempotency-Key": "again"}).json()["id"]
    ended(stored, first)
    second = submit(stored, body, **{"Idempotency-Key": "again"})
    assert second.status_code == 200
    assert second.json()["id"] == first


def test_a_key_gives_one_job_to_a_hundred_requests(stored: TestClient) -> None:
    body = batch(stored, "hundred")
    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(lambda _: submit(stored, body, **{"Idempotency-Key": "h"}), range(100))
        )
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_key_of_another_request_is_refused(stored: TestClient) -> None:
    submit(stored, batch(stored, "key"), **{"Idempotency-Key": "taken"})
    answer = submit(stored, batch(stored, "other"), **{"Idempotency-Key": "taken"})
    refused(answer, 422, "key-reused")


# --- cancel, retry, delete ---------------------------------------------------------------------


def test_a_cancelled_job_ends_early_and_can_go_on(stored: TestClient) -> None:
    body = batch(stored, "cancelled", 400, operations=["resize=2000x2000", "blur=31"])
    id = submit(stored, body).json()["id"]
    answer = stored.post(f"/v1/jobs/{id}/cancel")
    assert answer.status_code == 202
    job = ended(stored, id)
    assert job["state"] == "cancelled"
    assert job["counts"]["succeeded"] < 400
    assert stored.post(f"/v1/jobs/{id}/cancel").json()["state"] == "cancelled"
    assert stored.post(f"/v1/jobs/{id}/retry").json()["state"] == "queued"
    stored.post(f"/v1/jobs/{id}/cancel")
    ended(stored, id)


def test_a_retry_does_again_what_failed(stored: TestClient) -> None:
    body = batch(stored, "retried", 4)
    missing = Path(body["images"][1]["input"])
    missing.unlink()
    id = submit(stored, body).json()["id"]
    assert ended(stored, id)["counts"]["failed"] == 1
    before = (folder_of(stored) / "out/retried/0.png").stat().st_mtime_ns
    missing.write_bytes(jpeg(40, 30))
    stored.post(f"/v1/jobs/{id}/retry")
    job = ended(stored, id)
    assert job["counts"] == {"total": 4, "succeeded": 4, "failed": 0, "skipped": 0}
    assert (folder_of(stored) / "out/retried/0.png").stat().st_mtime_ns == before


def test_a_job_is_forgotten_when_it_has_ended(stored: TestClient) -> None:
    id = submit(stored, batch(stored, "forgotten")).json()["id"]
    ended(stored, id)
    assert stored.delete(f"/v1/jobs/{id}").status_code == 204
    refused(stored.get(f"/v1/jobs/{id}"), 404, "not-stored")
    assert (folder_of(stored) / "out/forgotten/0.png").exists()


def test_a_job_that_runs_is_not_forgotten(stored: TestClient) -> None:
    body = batch(stored, "kept", 300, operations=["resize=1500x1500"])
    id = submit(stored, body).json()["id"]
    refused(stored.delete(f"/v1/jobs/{id}"), 409, "job-not-ended")
    stored.post(f"/v1/jobs/{id}/cancel")
    ended(stored, id)


def test_jobs_are_listed_the_latest_first(stored: TestClient) -> None:
    made = [submit(stored, batch(stored, "listed")).json()["id"] for _ in range(3)]
    for id in made:
        ended(stored, id)
    page = good(stored.get("/v1/jobs?limit=2&state=completed")).json()
    assert [job["id"] for job in page["jobs"]] == made[:0:-1]
    rest = good(stored.get(f"/v1/jobs?limit=1&cursor={page['next']}")).json()
    assert [job["id"] for job in rest["jobs"]] == made[:1]


def test_jobs_run_beside_one_another(stored: TestClient) -> None:
    long = submit(stored, batch(stored, "long", 300, operations=["resize=1500x1500"])).json()["id"]
    short = submit(stored, batch(stored, "short", 2)).json()["id"]
    assert ended(stored, short)["state"] == "completed"
    assert good(stored.get(f"/v1/jobs/{long}")).json()["state"] == "running"
    stored.post(f"/v1/jobs/{long}/cancel")
    ended(stored, long)


# --- bad requests ------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["x", "..", "%00", "x" * 99])
@pytest.mark.parametrize("rest", ["", "/results", "/events", "/results.ndjson"])
def test_a_job_that_is_not_there_is_missing(stored: TestClient, id: str, rest: str) -> None:
    assert stored.get(f"/v1/jobs/{id}{rest}").status_code == 404


@pytest.mark.parametrize("cursor", ["x", "W10=", "WzEsMl0="])
def test_a_cursor_that_is_none_is_refused(stored: TestClient, cursor: str) -> None:
    refused(stored.get(f"/v1/jobs?cursor={cursor}"), 422, "cursor-refused")


def test_a_wrong_request_makes_no_job(stored: TestClient) -> None:
    body = batch(stored, "wrong", operations=["no_such_thing"])
    refused(submit(stored, body), 422, "invalid-request")
