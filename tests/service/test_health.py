"""What tells that the service lives, is ready, and what it has done."""

import re
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from processors.registry import registry
from service.app import create_app
from service.settings import load_settings
from tests.conftest import WORKERS, services


def metric(client: httpx2.Client, sample: str) -> float:
    """The value of a sample of /metrics, 0 where it is not there yet."""
    text = client.get("/metrics").text
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_home_leads_to_what_is_there(client: TestClient) -> None:
    home = client.get("/").json()
    assert home["name"] == "Darkroom"
    known = client.get("/openapi.json").json()["paths"]
    addresses = {value for value in home.values() if value.startswith("/")}
    assert addresses - {"/docs", "/openapi.json"} <= set(known)
    assert client.get("/docs").status_code == 200


def test_the_process_answers_without_workers(workspace: Path) -> None:
    app = create_app(load_settings(read_roots=str(workspace)))
    assert TestClient(app).get("/healthz").json() == {"status": "ok"}
    assert not services(app).engine.status().running


def test_ready_means_that_the_workers_are_there(client: TestClient) -> None:
    expected = {"status": "ready", "workers": WORKERS, "store": "ready"}
    assert client.get("/readyz").json() == expected


def test_a_closed_service_is_not_ready(workspace: Path) -> None:
    app = create_app(load_settings(read_roots=str(workspace)))
    services(app).engine.close(0)
    response = TestClient(app).get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "/problems/shutting-down"


def test_metrics_are_of_the_prometheus_format(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in response.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \S+ .+|[a-z_]+(\{.*\})? [\d.e+-]+|.*\+Inf.*", line)


def test_metrics_count_requests_by_route(client: TestClient) -> None:
    sample = 'darkroom_request_seconds_count{method="GET",route="/problems/{slug}",status="200"}'
    before = metric(client, sample)
    client.get("/problems/not-found")
    client.get("/problems/unauthorized")
    assert metric(client, sample) == before + 2


def test_metrics_do_not_grow_with_addresses_and_methods(client: TestClient) -> None:
    client.get("/nothing-of-the-kind-1")
    client.request("MADEUP", "/nothing-of-the-kind-2")
    text = client.get("/metrics").text
    assert "nothing-of-the-kind" not in text
    assert "MADEUP" not in text


def test_metrics_count_images_by_format_and_operation(client: TestClient, workspace: Path) -> None:
    samples = [
        'darkroom_images_total{format="webp"}',
        'darkroom_operations_total{operation="flip"}',
    ]
    before = [metric(client, sample) for sample in samples]
    photo = (workspace / "in/photo.jpg").read_bytes()
    client.post("/v1/process?operations=flip&operations=split&format=webp", content=photo)
    after = [metric(client, sample) for sample in samples]
    assert [new - old for new, old in zip(after, before, strict=True)] == [4, 1]


def test_metrics_count_failures_by_kind_and_operation(client: TestClient, workspace: Path) -> None:
    step = 'darkroom_images_failed_total{kind="step-failed",operation="crop"}'
    damaged = 'darkroom_images_failed_total{kind="damaged-image",operation=""}'
    before = metric(client, step), metric(client, damaged)
    photo = (workspace / "in/photo.jpg").read_bytes()
    client.post("/v1/process?operations=crop=900,900,1,1", content=photo)
    client.post("/v1/process", content=photo[:2000])
    assert (metric(client, step), metric(client, damaged)) == (before[0] + 1, before[1] + 1)


def test_metrics_tell_the_workers(client: TestClient) -> None:
    assert metric(client, "darkroom_workers") == WORKERS
    assert metric(client, "darkroom_workers_busy") == 0
    assert metric(client, "darkroom_queued_tasks") == 0


def test_metrics_tell_the_large_images(client: TestClient, app: FastAPI) -> None:
    admission = services(app).dispatcher.admission
    inside, waiting = admission.enter(1 << 60), admission.enter(1 << 60)
    try:
        assert metric(client, "darkroom_large_image_bytes") == 1 << 60
        assert metric(client, "darkroom_large_images_waiting") == 1
    finally:
        admission.leave(waiting)
        admission.leave(inside)
    assert metric(client, "darkroom_large_image_bytes") == 0


def test_the_catalogue_has_each_operation(client: TestClient) -> None:
    found = client.get("/v1/operations").json()
    assert [entry["name"] for entry in found] == [operation.name() for operation in registry()]
    for entry in found:
        assert set(entry) == {
            *("name", "family", "summary", "description", "aliases", "text_form", "example"),
            *("example_parameters", "parameters"),
        }


@pytest.mark.parametrize("name", ["split", "splitQuadrants"])
def test_one_operation_by_name_and_by_alias(client: TestClient, name: str) -> None:
    entry = client.get(f"/v1/operations/{name}").json()
    assert (entry["name"], entry["aliases"]) == ("split", ["splitQuadrants"])
    assert set(entry["parameters"]["properties"]) == {"op", "rows", "columns"}


def test_an_unknown_operation_is_refused_with_the_nearest(client: TestClient) -> None:
    response = client.get("/v1/operations/resise")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    assert "'resize'" in response.json()["detail"]
