"""What the tests of webhooks share beside the server that is called."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import load_settings
from tests.live import until
from tests.service.test_jobs import submit
from tests.service.uploading import refused


def client_of(folder: Path, store: str, **more: object) -> TestClient:
    (folder / "library").mkdir(exist_ok=True)
    settings = load_settings(
        store=store,
        library=str(folder / "library"),
        read_roots=str(folder),
        write_roots=str(folder / "out"),
        workers=1,
        **more,
    )
    return TestClient(create_app(settings), raise_server_exceptions=False)


def given_up(caplog: pytest.LogCaptureFixture, id: str) -> list[str]:
    """What is logged of the webhook of a job until its last attempt has failed."""

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if id in record.getMessage()]

    until(lambda: any("attempt 5 of 5" in line or "not called" in line for line in lines()))
    return lines()


def webhook_refused(client: TestClient, url: Any) -> str:
    """Why the URL is refused."""
    body: dict[str, Any] = {"images": [], "webhook": url}
    answer: httpx2.Response = submit(client, body)
    refused(answer, 422, "invalid-request")
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/webhook"
    return str(fault["detail"])
