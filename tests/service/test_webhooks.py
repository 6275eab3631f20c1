"""Webhooks: called at the end of a job, signed, and of no consequence for it."""

import hashlib
import hmac
import json
import logging
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from schemas.batches import BatchRequest
from service.jobs import webhooks
from service.jobs.stored import new_job
from service.jobs.webhooks import WebhookCaller
from service.storage import Storage
from tests.conftest import services
from tests.live import LiveServer, until
from tests.service.calling import client_of, given_up, webhook_refused
from tests.service.receiver import Call, Receiver
from tests.service.test_jobs import batch, ended, submit
from tests.service.uploading import good, refused
from tests.stores import KINDS, url_of

SECRET = "a secret of the tests"


@pytest.fixture(scope="module", params=KINDS)
def open_client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """An application that may call this machine, on both stores."""
    folder = tmp_path_factory.mktemp("webhooks")
    store = url_of(request.param, folder, request)
    more = {"webhook_allow_private": True, "webhook_secret": SECRET}
    with client_of(folder, store, **more) as client:
        yield client


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same attempts, with shorter pauses."""
    monkeypatch.setattr(webhooks, "FIRST_PAUSE", 0.01)


def body_of(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.body)
    return found


# --- what is called ----------------------------------------------------------------------------


def test_the_end_of_a_job_is_told_with_the_job(open_client: TestClient) -> None:
    with Receiver() as receiver:
        id = submit(open_client, batch(open_client, "told", webhook=receiver.url)).json()["id"]
        call = receiver.next()
        assert body_of(call) == good(open_client.get(f"/v1/jobs/{id}")).json()
    assert (body_of(call)["state"], body_of(call)["counts"]["succeeded"]) == ("completed", 3)
    assert call.path == "/hook?token=hidden"
    assert call.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["Darkroom-Event"] == "job.ended"
    assert call.headers["Content-Type"] == "application/json"


def test_a_url_that_grows_when_it_is_encoded_is_called(open_client: TestClient) -> None:
    with Receiver() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/" + "ä" * 900
        submit(open_client, batch(open_client, "grown", webhook=url))
        assert receiver.next().path == "/" + "%C3%A4" * 900


def test_a_call_is_signed(open_client: TestClient) -> None:
    with Receiver() as receiver:
        submit(open_client, batch(open_client, "signed", webhook=receiver.url))
        call = receiver.next()
    expected = hmac.new(SECRET.encode(), call.body, hashlib.sha256).hexdigest()
    assert call.headers["Darkroom-Signature"] == f"sha256={expected}"


def test_a_call_without_a_secret_has_no_signature() -> None:
    found = WebhookCaller(lambda job: b"").headers("id", b"{}")
    assert "Darkroom-Signature" not in found
    assert found["Darkroom-Delivery"] == "id"


def test_the_end_of_a_job_that_is_cancelled_while_it_runs_is_told(open_client: TestClient) -> None:
    with Receiver() as receiver:
        operations = ["resize=2000x2000", "blur=31"]
        body = batch(open_client, "stopped", 400, operations=operations, webhook=receiver.url)
        id = submit(open_client, body).json()["id"]
        until(lambda: bool(open_client.get(f"/v1/jobs/{id}").json()["counts"]["succeeded"]))
        open_client.post(f"/v1/jobs/{id}/cancel")
        assert body_of(receiver.next())["state"] == "cancelled"


def test_the_end_of_a_job_that_is_cancelled_while_it_waits_is_told_once(
    open_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        monkeypatch.setattr("service.jobs.runner.MOST_JOBS", 0)
        id = submit(open_client, batch(open_client, "waiting", webhook=receiver.url)).json()["id"]
        for _ in range(2):
            assert open_client.post(f"/v1/jobs/{id}/cancel").json()["state"] == "cancelled"
        call = receiver.next()
        assert (body_of(call)["id"], body_of(call)["state"]) == (id, "cancelled")
        # What was told before the next job was submitted would be there before its call.
        monkeypatch.undo()
        other = submit(open_client, batch(open_client, "after", webhook=receiver.url)).json()["id"]
        assert body_of(receiver.next())["id"] == other


def test_the_end_of_a_job_that_failed_is_told(open_client: TestClient) -> None:
    parts = services(open_client.app)  # type: ignore[arg-type]
    with Receiver() as receiver:
        request = batch(open_client, "failing", webhook=receiver.url)
        job, images = new_job(BatchRequest.model_validate(request), None, Storage([], [], 0), 10)
        content = job.request.replace('"resize"', '"of_another_version"')
        assert content != job.request

        async def store() -> None:
            await parts.store.jobs.create(replace(job, request=content), images)

        assert open_client.portal is not None
        open_client.portal.call(store)
        parts.runner.hurry()
        told = body_of(receiver.next())
    assert (told["state"], told["error"]["status"]) == ("failed", 422)


def test_each_end_of_a_job_is_a_delivery_of_its_own(open_client: TestClient) -> None:
    with Receiver() as receiver:
        body = batch(open_client, "ends", webhook=receiver.url)
        Path(body["images"][0]["input"]).write_text("no image")
        id = submit(open_client, body).json()["id"]
        first = receiver.next().headers["Darkroom-Delivery"]
        open_client.post(f"/v1/jobs/{id}/retry")
        assert receiver.next().headers["Darkroom-Delivery"] != first


# --- what fails --------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_a_call_that_fails_is_made_again_as_the_same_delivery(open_client: TestClient) -> None:
    with Receiver([500, 503]) as receiver:
        submit(open_client, batch(open_client, "again", webhook=receiver.url))
        calls = [receiver.next() for _ in range(3)]
    assert len({call.headers["Darkroom-Delivery"] for call in calls}) == 1
    assert len({call.headers["Darkroom-Signature"] for call in calls}) == 1
    assert len({call.body for call in calls}) == 1


@pytest.mark.usefixtures("hurried")
def test_a_webhook_that_fails_changes_nothing_of_the_job(
    open_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver([500] * 9) as receiver, caplog.at_level(logging.INFO, "darkroom"):
        id = submit(open_client, batch(open_client, "failed", webhook=receiver.url)).json()["id"]
        before = ended(open_client, id)
        lines = given_up(caplog, id)
        assert receiver.calls.qsize() == webhooks.ATTEMPTS
    assert before["state"] == "completed"
    assert good(open_client.get(f"/v1/jobs/{id}")).json() == before
    assert any(f"http://127.0.0.1:{receiver.port}" in line for line in lines)
    assert "hidden" not in caplog.text


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    open_client: TestClient, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with Receiver() as target, Receiver([status] * 9, target.url) as receiver:
        body = batch(open_client, f"redirect{status}", webhook=receiver.url)
        id = submit(open_client, body).json()["id"]
        assert f"status {status}" in given_up(caplog, id)[-1]
        assert target.calls.empty()


@pytest.mark.usefixtures("hurried")
def test_a_server_that_does_not_answer_is_called_again(
    open_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "ATTEMPT_SECONDS", 1.0)
    with Receiver([None]) as receiver:
        submit(open_client, batch(open_client, "mute", webhook=receiver.url))
        calls = [receiver.next() for _ in range(2)]
    assert calls[0].headers["Darkroom-Delivery"] == calls[1].headers["Darkroom-Delivery"]


def test_a_server_that_does_not_answer_holds_up_no_other_job(open_client: TestClient) -> None:
    with Receiver([None] * 9) as receiver:
        for number in range(webhooks.ATTEMPTS):
            submit(open_client, batch(open_client, f"mute{number}", webhook=receiver.url))
            receiver.next()
        id = submit(open_client, batch(open_client, "meanwhile")).json()["id"]
        assert ended(open_client, id)["state"] == "completed"


def test_a_server_that_does_not_answer_does_not_hold_up_the_stop(
    workspace: Path, tmp_path: Path
) -> None:
    more = {"webhook_allow_private": "true", "store": f"sqlite:///{tmp_path / 'darkroom.db'}"}
    with (
        Receiver([None] * 9) as receiver,
        LiveServer(workspace, workers=1, write_roots="out", **more) as server,
        server.client() as client,
    ):
        images = [{"input": "in/photo.jpg", "output": "out/webhook_stop.png"}]
        body = {"images": images, "webhook": receiver.url}
        client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
        receiver.next()
        server.process.terminate()
        # Less than an attempt may take: a stop that waited for it would not end in time.
        assert server.wait(webhooks.ATTEMPT_SECONDS - 2) == -signal.SIGTERM
        assert any("put off" in line for line in server.lines)


# --- bad requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://example.com:99999/",
        "http://[fe80::1%25eth0]/",
        "http://example.com/" + "x" * 2000,
        7,
    ],
)
def test_what_is_no_url_is_refused(open_client: TestClient, url: Any) -> None:
    assert webhook_refused(open_client, url)


@pytest.mark.parametrize("url", ["http://user@example.com/", "http://:word@example.com/"])
def test_credentials_in_a_url_are_refused(open_client: TestClient, url: str) -> None:
    assert "user name" in webhook_refused(open_client, url)


def test_the_end_of_a_batch_that_is_waited_for_is_told(open_client: TestClient) -> None:
    with Receiver() as receiver:
        body = batch(open_client, "plain", webhook=receiver.url)
        answer = good(open_client.post("/v1/batches", json=body)).json()
        assert body_of(receiver.next())["id"] == answer["id"]


def test_another_webhook_under_the_same_key_is_another_request(open_client: TestClient) -> None:
    body = batch(open_client, "keyed", operations=["resize=9x9"])
    key = {"Idempotency-Key": "webhook"}
    with Receiver() as receiver:
        assert submit(open_client, body, **key).status_code == 202
        answer = submit(open_client, {**body, "webhook": receiver.url}, **key)
        refused(answer, 422, "key-reused")
