"""Work for a real server, and what is looked at when it ends."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2
import psutil

from tests.live import LiveServer, until


def batch(source: str, count: int, *operations: str) -> dict[str, Any]:
    images = [{"input": source, "output": f"out/server/{number}.jpg"} for number in range(count)]
    return {"images": images, "operations": list(operations)}


def post(server: LiveServer, body: dict[str, Any], **headers: str) -> httpx2.Response:
    with server.client() as client:
        return client.post("/v1/batches", json=body, headers=headers)


def begin(
    threads: ThreadPoolExecutor, server: LiveServer, body: dict[str, Any]
) -> Future[httpx2.Response]:
    """Send a batch, and return when a worker works on it."""
    answer = threads.submit(post, server, body)
    until(lambda: answer.done() or busy(server))
    assert not answer.done(), answer.result().text
    return answer


def busy(server: LiveServer) -> bool:
    with server.client() as client:
        text = client.get("/metrics").text
    return "\ndarkroom_workers_busy 0.0" not in text


def assert_gone(processes: list[psutil.Process], seconds: float) -> None:
    """All end within `seconds`; one that nobody has reaped has ended, too."""
    assert processes
    until(lambda: not any(map(alive, processes)), seconds)


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
