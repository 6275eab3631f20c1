"""What a job says of itself, and what it is told that it may not be."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.jobs.stored import now
from service.store.jobs import StoredJob
from service.views import job_view
from tests.service.calling import client_of
from tests.service.test_jobs import batch, ended, submit
from tests.service.uploading import refused

SECOND = 1_000_000


def running(**values: object) -> StoredJob:
    """300 images; 200 are done, 100 of them in the ten seconds since it went on."""
    job = StoredJob("job", "running", 0, 300, "{}", succeeded=190, failed=4, skipped=6)
    moments = {"started_at": now() - 1000 * SECOND, "resumed_at": now() - 10 * SECOND}
    return replace(job, **{**moments, "done_before": 100, **values})  # type: ignore[arg-type]


def test_the_rate_is_that_since_the_job_went_on() -> None:
    view = job_view(running())
    assert view.rate == pytest.approx(10, rel=0.01)
    assert view.remaining_seconds == pytest.approx(10, rel=0.02)


def test_a_job_that_has_just_gone_on_promises_nothing() -> None:
    view = job_view(running(done_before=200))
    assert (view.rate, view.remaining_seconds) == (None, None)


def test_a_job_that_waits_to_go_on_has_no_rate() -> None:
    assert job_view(running(state="queued")).rate is None


def test_an_ended_job_has_the_rate_of_its_last_run() -> None:
    moment = now() - 5 * SECOND
    view = job_view(running(state="completed", ended_at=moment))
    assert view.rate == pytest.approx(20, rel=0.01)
    assert view.remaining_seconds is None


def test_a_retry_has_a_rate_of_its_own(stored: TestClient) -> None:
    body = batch(stored, "rated", 4)
    broken = Path(body["images"][0]["input"])
    whole = broken.read_bytes()
    broken.write_text("no image")
    id = submit(stored, body).json()["id"]
    first = ended(stored, id)
    broken.write_bytes(whole)
    stored.post(f"/v1/jobs/{id}/retry")
    again = ended(stored, id)
    assert (first["counts"]["failed"], again["counts"]["succeeded"]) == (1, 4)
    seconds = 1 / again["rate"]
    assert seconds < _seconds(again["started_at"], again["ended_at"])


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def test_a_job_counts_the_bytes_of_its_inputs(stored: TestClient) -> None:
    body = batch(stored, "weighed", 3)
    sizes = [Path(image["input"]).stat().st_size for image in body["images"]]
    job = ended(stored, submit(stored, body).json()["id"])
    outputs = [Path(image["output"]).stat().st_size for image in body["images"]]
    assert (job["bytes_in"], job["bytes_out"]) == (sum(sizes), sum(outputs))


def test_a_known_key_gives_its_job_though_no_more_may_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.runner.MOST_JOBS", 0)
    store = f"sqlite:///{tmp_path / 'darkroom.db'}"
    with client_of(tmp_path, store, max_queued_jobs=1) as client:
        body = batch(client, "keyed")
        key = {"Idempotency-Key": "the same"}
        first = submit(client, body, **key)
        again = submit(client, body, **key)
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.json()["id"] == again.json()["id"]
        for headers in ({"Idempotency-Key": "another"}, {}):
            answer = submit(client, body, **headers)
            refused(answer, 429, "too-many-jobs")
            assert int(answer.headers["Retry-After"]) > 0


def test_a_plan_has_no_webhook(stored: TestClient) -> None:
    body = batch(stored, "planned", webhook="https://example.com/")
    answer = stored.post("/v1/plan", json=body)
    refused(answer, 422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/webhook"
