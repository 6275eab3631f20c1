"""The cluster of `docker-compose.yml`, with its own commands, as processes of this machine.

Containers and their networks are not here; the object store is moto's, whose API is S3's.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from tests.balancer import Balancer, needs_nginx
from tests.live import LiveServer, environment, until
from tests.service.storing import jpeg
from tests.soak.work import IMAGES, Json, done, say
from tests.stores import url_of
from tests.test_cluster_files import SERVICES
from tests.test_packaging import KEY

pytestmark = needs_nginx

WORKERS = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def health(name: str, port: int) -> bool:
    """What the health check of a service says of the one whose port is `port`."""
    _, program, *rest = SERVICES[name]["healthcheck"]["test"]
    assert program == "python"
    command = [sys.executable, *(part.replace("8787", str(port)) for part in rest)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=30).returncode == 0


class Deployment:
    """Hosts and ports of the file in terms of this machine's."""

    def __init__(self, folder: Path, objects: str, store: str) -> None:
        self.folder = folder
        self.store = store
        self.scheduler = f"127.0.0.1:{free_port()}"
        self.objects = {
            name: str(value).replace("${S3_SECRET_KEY:-}", KEY)
            for name, value in SERVICES["worker"]["environment"].items()
        } | {"AWS_ENDPOINT_URL_S3": objects}

    def environment(self) -> dict[str, str]:
        here = str(Path(__file__).parents[2])
        return environment() | self.objects | {"PYTHONPATH": here}

    def settings(self) -> dict[str, str]:
        found = SERVICES["api-1"]["environment"]
        names = {name for name in found if name.startswith("DARKROOM_")}
        chosen = {name.removeprefix("DARKROOM_").lower(): found[name] for name in names}
        del chosen["host"], chosen["port"]
        return chosen | {
            "api_keys": KEY,
            "store": self.store,
            "engine": f"dask://{self.scheduler}",
            "read_roots": chosen["read_roots"].replace("/data", str(self.folder)),
            "write_roots": chosen["write_roots"].replace("/data", str(self.folder)),
            "library": str(self.folder / "library"),
        }

    @contextmanager
    def dask(self, name: str, log: str) -> "Iterator[subprocess.Popen[bytes]]":
        """The scheduler or a worker, once its health check is content."""
        http = free_port()
        changes = {
            "scheduler:8786": self.scheduler,
            "${WORKER_THREADS:-2}": "1",
            "8786": self.scheduler.rpartition(":")[2],
            ":8787": f":{http}",
            "/tmp": str(self.folder),
        }
        command = [str(Path(sys.executable).parent / "dask")]
        for word in SERVICES[name]["command"][1:]:
            for shipped, here in changes.items():
                word = word.replace(shipped, here)
            command.append(word)
        assert not health(name, http)
        with (self.folder / log).open("wb") as file:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment(), stdout=file, stderr=file
            )
        try:
            until(lambda: health(name, http))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@pytest.fixture
def deployment(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = Deployment(tmp_path, f"http://{host}:{port}", url_of("mongo", tmp_path, request))
    command = [sys.executable, *SERVICES["bucket"]["command"][1:]]
    subprocess.run(command, env=found.environment(), check=True, timeout=60)
    yield found
    server.stop()


def objects_of(deployment: Deployment) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=deployment.objects["AWS_ACCESS_KEY_ID"],
        secret=KEY,
        endpoint_url=deployment.objects["AWS_ENDPOINT_URL_S3"],
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def client_of(balancer: Balancer) -> httpx2.Client:
    headers = {"X-API-Key": KEY}
    return httpx2.Client(base_url=balancer.url, headers=headers, timeout=60, trust_env=False)


def test_a_job_on_objects_ends_whole_though_a_server_and_a_worker_are_killed(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployment.objects.items():
        monkeypatch.setenv(name, value)
    store = objects_of(deployment)
    store.pipe({f"images/in/{n}.jpg": jpeg(300 + n % 20, 200) for n in range(IMAGES)})
    with ExitStack() as stack:
        stack.enter_context(deployment.dask("scheduler", "scheduler.log"))
        workers = [
            stack.enter_context(deployment.dask("worker", f"worker{n}.log")) for n in range(WORKERS)
        ]
        settings = deployment.settings()
        servers = [stack.enter_context(LiveServer(tmp_path, **settings)) for _ in range(2)]
        balancer = Balancer(tmp_path, servers[0].address, servers[1].address)
        client = stack.enter_context(client_of(stack.enter_context(balancer)))
        body = {
            "images": [{"input": "s3://images/in/*.jpg", "output": "s3://images/out/{stem}.webp"}],
            "operations": ["resize=200x150", "blur=5"],
        }
        answer = client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
        address = f"/v1/jobs/{answer.json()['id']}"
        until(lambda: done(client.get(address).json()) > IMAGES // 4, 600)
        servers[0].process.kill()
        workers[0].kill()
        until(lambda: client.get(address).json()["state"] == "completed", 600)
        job: Json = client.get(address).json()
        say(f"{job['counts']} after a server and a worker were killed")
        lines = client.get(f"{address}/results.ndjson").text.splitlines()
    assert job["counts"]["succeeded"] == IMAGES
    assert sorted(json.loads(line)["index"] for line in lines) == list(range(IMAGES))
    assert len(store.ls("images/out")) == IMAGES
