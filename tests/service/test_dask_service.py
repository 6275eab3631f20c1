"""The service on a Dask cluster: what its clients see of one that is there, or is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.environment import SettingsError
from service.settings import load_settings
from tests.cluster import DaskCluster, free_port
from tests.conftest import services
from tests.service.uploading import ADDRESS, decoded, good


def client_of(workspace: Path, engine: str) -> Iterator[TestClient]:
    settings = load_settings(
        read_roots=str(workspace),
        write_roots=str(workspace / "out"),
        store=f"sqlite:///{workspace / 'dask.db'}",
        library=str(workspace / "in"),
        engine=engine,
        engine_patience="0.2s",
    )
    app = create_app(settings)
    yield TestClient(app, raise_server_exceptions=False)
    services(app).engine.close(1)
    services(app).runner.stop(1)


@pytest.fixture(scope="module")
def clustered(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an application on a cluster of one worker."""
    with DaskCluster(tmp_path_factory.mktemp("cluster"), 1).ready() as cluster:
        yield from client_of(workspace, cluster.url)


@pytest.fixture(scope="module")
def lonely(workspace: Path) -> Iterator[TestClient]:
    """A client of an application whose cluster is away."""
    yield from client_of(workspace, f"dask://127.0.0.1:{free_port()}")


def test_the_service_is_ready_when_the_cluster_is(clustered: TestClient) -> None:
    ready = clustered.get("/readyz")
    assert (ready.status_code, ready.json()["workers"]) == (200, 1), ready.text


def test_an_upload_is_processed_on_the_cluster(clustered: TestClient, workspace: Path) -> None:
    photo = (workspace / "in/photo.jpg").read_bytes()
    answer = good(clustered.post(f"{ADDRESS}?operations=resize=0.5", content=photo))
    assert decoded(answer.content).shape == (60, 80, 3)


def test_a_batch_is_processed_on_the_cluster(clustered: TestClient, workspace: Path) -> None:
    images = [
        {"input": str(workspace / "in/photo.jpg"), "output": str(workspace / f"out/dask-{n}.webp")}
        for n in range(5)
    ]
    body = {"images": images, "operations": ["resize=0.25"]}
    answer = good(clustered.post("/v1/batches", json=body)).json()
    assert answer["counts"]["succeeded"] == 5
    assert {(workspace / f"out/dask-{n}.webp").read_bytes()[8:12] for n in range(5)} == {b"WEBP"}


def test_the_service_is_not_ready_without_the_cluster(lonely: TestClient) -> None:
    answer = lonely.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/cluster-away")
    assert "cannot be reached" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_a_single_image_is_refused_without_the_cluster(lonely: TestClient, workspace: Path) -> None:
    answer = lonely.post(ADDRESS, content=(workspace / "in/photo.jpg").read_bytes())
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/cluster-away")


def test_the_status_says_that_the_cluster_is_away(lonely: TestClient) -> None:
    lonely.get("/readyz")
    engine = lonely.get("/v1/status").json()["engine"]
    assert engine["state"] == "trouble"
    assert engine["detail"].startswith("The Dask scheduler tcp://127.0.0.1:")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "ray://head:10001"}, "expected local, dask://HOST:PORT or tls://HOST:PORT"),
        ({"engine": "dask://head"}, "expected local, dask://HOST:PORT or tls://HOST:PORT"),
        ({"engine": "tls://head:8786"}, "needs DARKROOM_ENGINE_TLS_CA_FILE"),
        ({"engine_tls_key": __file__}, "DARKROOM_ENGINE_TLS_KEY is for DARKROOM_ENGINE=tls://"),
        ({"engine_tls_key": "no such file"}, "expected a file in PEM"),
    ],
)
def test_a_wrong_engine_is_refused_at_the_start(settings: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(**settings)


@pytest.mark.parametrize("engine", ["dask://head.example:8786", "dask://[::1]:8786"])
def test_a_scheduler_is_told_to_dask_in_its_own_way(engine: str) -> None:
    assert load_settings(engine=engine).cluster.scheduler == engine.replace("dask", "tcp")
