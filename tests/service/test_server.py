"""The server as a process: its workers, its clients, and what it logs."""

import json
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.live import LiveServer, until
from tests.service.load import batch, begin, post

# ------------------------------------------------------------------------------- workers


def test_a_killed_worker_does_not_fail_a_request(
    server: LiveServer, threads: ThreadPoolExecutor, large: str
) -> None:
    answer = begin(threads, server, batch(large, 24, "blur=31"))
    server.workers()[0].kill()
    body = answer.result().json()
    assert body["counts"] == {"total": 24, "succeeded": 24, "failed": 0, "skipped": 0}


def test_a_worker_killed_while_idle_is_replaced(server: LiveServer, large: str) -> None:
    for worker in server.workers():
        worker.kill()
    for _ in range(3):
        assert post(server, batch(large, 2)).json()["counts"]["succeeded"] == 2


def test_one_image_is_answered_while_a_batch_runs(
    live: LiveServer, threads: ThreadPoolExecutor, workspace: Path, large: str
) -> None:
    answer = begin(threads, live, batch(large, 60, "blur=31"))
    photo = (workspace / "in/photo.jpg").read_bytes()
    with live.client() as client:
        assert client.post("/v1/process", content=photo).status_code == 200
        assert client.get("/healthz").status_code == 200
    assert not answer.done()
    assert answer.result().json()["counts"]["succeeded"] == 60


def test_two_clients_at_once_get_their_own_answers(live: LiveServer, workspace: Path) -> None:
    both = threading.Barrier(2)
    source = str(workspace / "in/photo.jpg")

    def ask(name: str) -> list[dict[str, Any]]:
        images = [{"input": source, "output": f"out/{name}/{number}.png"} for number in range(20)]
        with live.client() as client:
            both.wait(10)
            return [
                client.post("/v1/batches", json={"images": images, "operations": ["flip"]}).json()
                for _ in range(3)
            ]

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip("ab", pool.map(ask, "ab"), strict=True))
    for name, found in answers.items():
        for answer in found:
            paths = [result["outputs"][0]["path"] for result in answer["results"]]
            assert paths == [f"out/{name}/{number}.png" for number in range(20)]
    assert len({answer["id"] for found in answers.values() for answer in found}) == 6


def test_requests_in_a_pipeline_of_one_connection_are_all_answered(live: LiveServer) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(live.address, timeout=20) as connection:
        connection.sendall(request * 9 + last)
        with connection.makefile("rb") as answers:
            assert answers.read().count(b"HTTP/1.1 200 OK") == 10


def test_a_client_that_goes_away_does_no_harm(live: LiveServer, large: str) -> None:
    body = json.dumps(batch(large, 20, "blur=31")).encode()
    head = f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    for cut in (0, len(body) // 2, len(body)):
        with socket.create_connection(live.address) as connection:
            connection.sendall(
                f"{head}Content-Type: application/json\r\n\r\n".encode() + body[:cut]
            )
    assert post(live, batch(large, 1)).status_code == 200
    assert not [line for line in live.lines if "Traceback" in line]


def test_the_server_does_not_tell_what_it_is_made_of(live: LiveServer) -> None:
    with live.client() as client:
        assert "server" not in client.get("/healthz").headers


# ------------------------------------------------------------------------------- the log


def test_lines_of_a_request_have_its_id(live: LiveServer) -> None:
    with live.client() as client:
        client.get("/v1/operations", headers={"X-Request-ID": "find-me-again"})
    line = live.wait_for("find-me-again")
    assert re.search(
        r"INFO  darkroom\.http \[request=find-me-again\] GET /v1/operations 200 [\d.]+ ms$", line
    )


def test_an_address_cannot_forge_a_line(live: LiveServer) -> None:
    with live.client() as client:
        client.get("/a%0A2026-01-02%20INFO%20forged%1b", headers={"X-Request-ID": "forger"})
    line = live.wait_for("request=forger")
    assert "\\n2026-01-02 INFO forged\\x1b" in line


def test_every_line_of_a_json_log_is_json(workspace: Path, large: str) -> None:
    with LiveServer(workspace, workers=1, write_roots="out", log_format="json") as server:
        server.ready()
        post(server, batch(large, 2), **{"X-Request-ID": "in-json"})
        post(server, {"images": 1})
        server.signal(signal.SIGTERM)
        assert server.wait() in (0, -signal.SIGTERM)
    entries = [json.loads(line) for line in server.lines]
    keys = {"time", "level", "logger", "message", "request_id", "job_id"}
    assert all(set(entry) == keys for entry in entries)
    messages = [entry["message"] for entry in entries]
    assert messages[0].startswith("Started server process")
    assert messages[-1].startswith("Finished server process")
    (request,) = [entry for entry in entries if entry["request_id"] == "in-json"]
    assert request["message"].startswith("POST /v1/batches 200")


def test_a_quiet_log_is_empty(workspace: Path, large: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = LiveServer(workspace, "--port", str(port), workers=1, log_level="error")
    server.url = f"http://127.0.0.1:{port}"
    until(lambda: reachable(server))
    server.ready()
    server.signal(signal.SIGTERM)
    server.wait()
    assert server.lines == []


def reachable(server: LiveServer) -> bool:
    try:
        with socket.create_connection(server.address):
            return True
    except OSError:
        return False
