"""Two API servers on one MongoDB behind the balancer that is shipped."""

import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
import yaml

from service.settings import ServerSettings
from tests.balancer import Balancer, needs_nginx
from tests.live import ROOT, LiveServer
from tests.samples import photograph
from tests.service.storing import jpeg
from tests.service.stream_clients import connected, picture
from tests.service.test_health import metric
from tests.stores import url_of

pytestmark = needs_nginx

SERVERS = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both servers see, as a shared mount."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "in").mkdir()
    (folder / "in/photo.jpg").write_bytes(jpeg())
    return folder


@pytest.fixture(scope="module")
def servers(folder: Path, request: pytest.FixtureRequest) -> Iterator[list[LiveServer]]:
    settings = {
        "store": url_of("mongo", folder, request),
        "workers": 1,
        "library": "none",
        "write_roots": "out",
        "body_timeout": "500ms",
        "camera": "test",
    }
    with ExitStack() as stack:
        # All begin before the first is waited for.
        started = [LiveServer(folder, **settings) for _ in range(SERVERS)]
        yield [stack.enter_context(server) for server in started]


@pytest.fixture(scope="module")
def balancer(servers: list[LiveServer], folder: Path) -> Iterator[Balancer]:
    with Balancer(folder, servers[0].address, servers[1].address) as balancer:
        yield balancer


@pytest.fixture(scope="module")
def client(balancer: Balancer) -> Iterator[httpx2.Client]:
    with balancer.client() as client:
        yield client


def submit(client: httpx2.Client, name: str, count: int) -> str:
    images = [{"input": "in/photo.jpg", "output": f"out/{name}{n}.jpg"} for n in range(count)]
    body = {"images": images, "operations": ["resize=1600x1200"]}
    answer = client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_events_arrive_one_by_one_while_the_job_runs(client: httpx2.Client) -> None:
    id = submit(client, "events", 2000)
    with client.stream("GET", f"/v1/jobs/{id}/events") as stream:
        lines = stream.iter_lines()
        for _ in range(2):
            next(line for line in lines if line == "event: progress")
        # It would take half a minute.
        assert client.get(f"/v1/jobs/{id}").json()["state"] == "running"
        client.post(f"/v1/jobs/{id}/cancel").raise_for_status()
        end = next(line for line in lines if line.startswith("data: ") and "cancelled" in line)
    assert json.loads(end.removeprefix("data: "))["state"] == "cancelled"


def test_a_job_that_came_in_through_one_server_is_seen_through_the_other(
    servers: list[LiveServer],
) -> None:
    with servers[0].client() as one, servers[1].client() as other:
        id = submit(one, "seen", 2)
        assert other.get(f"/v1/jobs/{id}").json()["counts"]["total"] == 2
        with other.stream("GET", f"/v1/jobs/{id}/events") as stream:
            lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
    assert json.loads(lines[-1].removeprefix("data: "))["counts"]["succeeded"] == 2


def test_requests_are_spread_over_the_servers(
    client: httpx2.Client, servers: list[LiveServer]
) -> None:
    before = [asked(server) for server in servers]
    for _ in range(10):
        client.get("/v1/operations").raise_for_status()
    assert [asked(server) - old for server, old in zip(servers, before, strict=True)] == [5, 5]


def asked(server: LiveServer) -> float:
    sample = 'darkroom_request_seconds_count{method="GET",route="/v1/operations",status="200"}'
    with server.client() as direct:
        return metric(direct, sample)


def test_a_websocket_is_handed_on(balancer: Balancer) -> None:
    url = balancer.url.replace("http", "ws", 1) + "/v1/stream"
    with connected(url) as stream:
        stream.set(operations=["resize=40x30"], reply="image")
        for _ in range(3):
            assert stream.send(jpeg()).image().shape[:2] == (30, 40)


def test_an_upload_of_some_megabytes_passes(client: httpx2.Client) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3), np.uint8)
    upload = cv2.imencode(".png", noise)[1].tobytes()
    assert len(upload) > 6 << 20
    answer = client.post("/v1/process?operations=flip&format=png", content=upload)
    assert np.array_equal(picture(answer.content), noise[:, ::-1])


def test_a_body_reaches_the_server_as_it_comes(balancer: Balancer) -> None:
    # Were it collected first, the balancer would wait for the rest.
    with begun(balancer, 1000) as connection:
        connection.send(b"x" * 10)
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["type"]) == (408, "/problems/body-too-slow")


def test_a_body_that_is_too_large_is_refused_as_the_servers_do(balancer: Balancer) -> None:
    limit = ServerSettings.model_fields["max_body"].default
    with begun(balancer, limit + 1) as connection:
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/problem+json"
        found = json.load(answer)
    assert (answer.status, found["status"], found["type"]) == (413, 413, "/problems/body-too-large")


def begun(balancer: Balancer, length: int) -> "Begun":
    """A request of whose body nothing has been sent yet."""
    connection = Begun(*balancer.address, timeout=20)
    connection.putrequest("POST", "/v1/process?operations=flip")
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    return connection


class Begun(http.client.HTTPConnection):
    def __enter__(self) -> "Begun":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_pictures_of_the_camera_arrive_one_by_one(
    client: httpx2.Client, servers: list[LiveServer]
) -> None:
    with servers[0].client() as direct:
        before = metric(direct, "darkroom_camera_encodes_total")
        with client.stream("GET", "/v1/camera/stream?width=16&fps=1&quality=1") as stream:
            assert b"\xff\xd9" in next(part for part in stream.iter_bytes() if b"\xff\xd8" in part)
            made = metric(direct, "darkroom_camera_encodes_total") - before
    # One a second is made: the first was not kept until some more had come.
    assert made <= 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="the balancer's health check needs curl")
def test_its_health_check_tells_one_that_runs_from_one_that_does_not(balancer: Balancer) -> None:
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    _, *command = found["services"]["balancer"]["healthcheck"]["test"]
    codes = []
    for address in (balancer.url, "http://127.0.0.1:1"):
        asked = [part.replace("http://127.0.0.1:8080", address) for part in command]
        codes.append(subprocess.run(asked, stderr=subprocess.DEVNULL, timeout=30).returncode == 0)
    assert codes == [True, False]


def test_when_a_server_is_killed_requests_go_on_and_without_any_the_answer_is_a_problem(
    client: httpx2.Client, servers: list[LiveServer]
) -> None:
    image = cv2.imencode(".png", photograph(40, 30))[1].tobytes()
    servers[0].process.kill()
    servers[0].wait()
    for _ in range(10):
        assert client.get("/v1/jobs").status_code == 200
        assert client.post("/v1/process?operations=flip", content=image).status_code == 200
    servers[1].process.kill()
    servers[1].wait()
    answer = client.get("/v1/jobs")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["status"], answer.headers["Retry-After"]) == (503, "5")
