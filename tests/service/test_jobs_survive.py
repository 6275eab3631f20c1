"""Jobs outlive their workers, their server, and the connection of who submitted them."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import httpx2
import pytest

from tests.live import LiveServer
from tests.service.storing import jpeg
from tests.stores import KINDS, url_of

COUNT = 200
_PATIENCE = 60.0


@pytest.fixture(params=KINDS)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], LiveServer]]:
    """Starts a server over one store, again and again."""
    url = url_of(request.param, tmp_path, request)
    servers: list[LiveServer] = []

    def begin() -> LiveServer:
        server = LiveServer(tmp_path, workers=2, store=url, library="nothing", write_roots="out")
        servers.append(server)
        return server.__enter__().ready()

    yield begin
    for server in servers:
        server.__exit__(None, None, None)


@cache
def pictures() -> list[bytes]:
    return [jpeg(300 + number, 200) for number in range(COUNT)]


def submit(server: LiveServer, folder: Path) -> str:
    (folder / "in").mkdir()
    for number, data in enumerate(pictures()):
        (folder / f"in/{number}.jpg").write_bytes(data)
    images = [{"input": f"in/{n}.jpg", "output": f"out/{n}.png"} for n in range(COUNT)]
    body = {"images": images, "operations": ["resize=400x300", "blur=9"]}
    answer = httpx2.post(f"{server.url}/v1/batches", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def until(server: LiveServer, id: str, reached: Callable[[dict[str, object]], bool]) -> None:
    """Follow the events of a job until it has reached something."""
    deadline = time.monotonic() + _PATIENCE
    with httpx2.stream("GET", f"{server.url}/v1/jobs/{id}/events", timeout=_PATIENCE) as stream:
        for line in stream.iter_lines():
            assert time.monotonic() < deadline
            if line.startswith(("event: progress", "event: end")):
                job = httpx2.get(f"{server.url}/v1/jobs/{id}").json()
                if reached(job):
                    return


def done(job: dict[str, object]) -> int:
    counts = job["counts"]
    assert isinstance(counts, dict)
    return int(counts["succeeded"]) + int(counts["failed"])


def check_outputs(server: LiveServer, id: str, folder: Path) -> None:
    """Each image is there once, whole, as it comes out of a batch that nothing happens to."""
    job = httpx2.get(f"{server.url}/v1/jobs/{id}").json()
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", COUNT), job
    lines = httpx2.get(f"{server.url}/v1/jobs/{id}/results.ndjson").text.splitlines()
    assert len(lines) == COUNT
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(
        f"{n}.png" for n in range(COUNT)
    )
    images = [{"input": f"in/{n}.jpg", "output": f"out/again{n}.png"} for n in range(COUNT)]
    body = {"images": images, "operations": ["resize=400x300", "blur=9"]}
    answer = httpx2.post(f"{server.url}/v1/batches", json=body, timeout=_PATIENCE)
    assert answer.json()["counts"]["succeeded"] == COUNT
    for number in range(COUNT):
        found, expected = (
            hashlib.sha256((folder / f"out/{name}{number}.png").read_bytes()).digest()
            for name in ("", "again")
        )
        assert found == expected, number


def test_a_job_goes_on_after_the_server_was_killed_twice(
    start: Callable[[], LiveServer], tmp_path: Path
) -> None:
    server = start()
    id = submit(server, tmp_path)
    for share in (0.2, 0.5):
        least = int(COUNT * share)
        until(server, id, lambda job, least=least: done(job) >= least)  # type: ignore[misc]
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        server = start()
    until(server, id, lambda job: job["state"] == "completed")
    check_outputs(server, id, tmp_path)


def test_a_job_goes_on_after_a_graceful_end(
    start: Callable[[], LiveServer], tmp_path: Path
) -> None:
    server = start()
    id = submit(server, tmp_path)
    until(server, id, lambda job: done(job) >= COUNT // 5)
    began = time.monotonic()
    server.process.terminate()
    server.process.wait(15)
    assert time.monotonic() - began < 10
    server = start()
    assert httpx2.get(f"{server.url}/v1/jobs/{id}").json()["counts"]["failed"] == 0
    until(server, id, lambda job: job["state"] == "completed")
    check_outputs(server, id, tmp_path)


def test_a_job_survives_its_workers(start: Callable[[], LiveServer], tmp_path: Path) -> None:
    server = start()
    id = submit(server, tmp_path)
    for share in (0.2, 0.4, 0.6):
        until(server, id, lambda job, least=int(COUNT * share): done(job) >= least)  # type: ignore[misc]
        server.workers()[0].kill()
    until(server, id, lambda job: job["state"] == "completed")
    check_outputs(server, id, tmp_path)
