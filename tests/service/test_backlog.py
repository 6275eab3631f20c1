"""The metrics say what is still to do in the whole deployment."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service import backlog
from service.app import create_app
from service.settings import load_settings
from service.store.base import JobStore
from service.store.jobs import StoredJob
from tests.conftest import services
from tests.service.test_health import metric
from tests.stores import run

IMAGES = [["a.jpg"]] * 10
SAMPLES = ("darkroom_backlog_jobs", "darkroom_backlog_images")


@pytest.fixture
def server(tmp_path: Path) -> TestClient:
    return TestClient(create_app(load_settings(store=f"sqlite:///{tmp_path}/jobs.db")))


def jobs_of(client: TestClient) -> JobStore:
    return services(client.app).store.jobs  # type: ignore[arg-type]


def submit(client: TestClient, id: str) -> None:
    run(jobs_of(client).create(StoredJob(id, "queued", 1, len(IMAGES), "{}"), IMAGES))


def told(client: TestClient) -> list[float]:
    return [metric(client, sample) for sample in SAMPLES]


def test_metrics_tell_the_jobs_and_images_that_wait_whoever_has_submitted_them(
    server: TestClient, tmp_path: Path
) -> None:
    another = TestClient(create_app(load_settings(store=f"sqlite:///{tmp_path}/jobs.db")))
    for id in ("one", "two"):
        submit(server, id)
    assert told(server) == told(another) == [2, 20]


def test_the_database_is_not_asked_again_within_some_seconds(server: TestClient) -> None:
    assert told(server) == [0, 0]
    submit(server, "one")
    assert told(server) == [0, 0]


def test_after_some_seconds_it_is(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "KEPT_SECONDS", 0)
    assert told(server) == [0, 0]
    submit(server, "one")
    assert told(server) == [1, 10]


def test_no_figure_is_told_while_the_database_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    client = TestClient(create_app(load_settings(store=f"sqlite:///{tmp_path}/file/jobs.db")))
    text = client.get("/metrics").text
    assert "darkroom_backlog" not in text
    assert "\ndarkroom_queued_tasks 0.0\n" in text
