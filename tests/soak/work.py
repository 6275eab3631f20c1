"""Jobs of many images whose outputs are known, and clients that follow them."""

import hashlib
import json
import os
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from tests.live import LiveServer
from tests.service.storing import jpeg

IMAGES = int(os.environ.get("SOAK_IMAGES", "1000"))
MANY = int(os.environ.get("SOAK_MANY", "100000"))
KINDS_OF_INPUT = 20
HEAVY = ["resize=1600x1200", "blur=9"]
"""Some forty milliseconds an image."""

PATIENCE = 1800.0

Json = dict[str, Any]


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def make_inputs(folder: Path, count: int, width: int, height: int) -> list[Json]:
    """`count` images under names of their own, of which every twentieth is the same file."""
    source = folder / "in"
    source.mkdir(exist_ok=True)
    for number in range(count):
        path = source / f"{number}.jpg"
        path.unlink(missing_ok=True)
        if number < KINDS_OF_INPUT:
            path.write_bytes(jpeg(width + number, height))
        else:
            path.hardlink_to(source / f"{number % KINDS_OF_INPUT}.jpg")
    return [{"input": f"in/{n}.jpg", "output": f"out/{n}.jpg"} for n in range(count)]


def submit(server: LiveServer, images: list[Json], operations: list[Any]) -> str:
    body = {"images": images, "operations": operations}
    with server.client(60) as client:
        answer = client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def job_of(server: LiveServer, id: str) -> Json:
    with server.client() as client:
        return dict(client.get(f"/v1/jobs/{id}").raise_for_status().json())


def done(job: Json) -> int:
    return int(sum(job["counts"][name] for name in ("succeeded", "failed", "skipped")))


def seconds_of(job: Json) -> float:
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "ended_at"))
    return (ended - began).total_seconds()


class Follower:
    """Reads the events of a job in a thread, as a browser does: it reconnects, and goes on."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.seqs: list[int] = []
        self.indexes: list[int] = []
        self.end: Json = {}
        self._news = threading.Condition()

    def follow(self, server: LiveServer) -> None:
        """Follow until the end, or until the server is gone."""
        threading.Thread(target=self._read, args=(server.url,), daemon=True).start()

    def wait_for(self, count: int, timeout: float = PATIENCE) -> None:
        """Wait for that many results, or the end."""
        with self._news:
            reached = self._news.wait_for(lambda: len(self.seqs) >= count or self.end, timeout)
        assert reached, f"{len(self.seqs)} results after {timeout} s, not {count}"

    def wait_for_end(self, timeout: float = PATIENCE) -> Json:
        with self._news:
            assert self._news.wait_for(lambda: bool(self.end), timeout), len(self.seqs)
        return self.end

    def _read(self, url: str) -> None:
        last = {"Last-Event-ID": str(self.seqs[-1] if self.seqs else 0)}
        address = f"{url}/v1/jobs/{self.id}/events"
        try:
            with httpx2.stream("GET", address, headers=last, timeout=60, trust_env=False) as stream:
                self._take(stream)
        except httpx2.HTTPError:
            return  # the server was killed: follow() is called again

    def _take(self, stream: httpx2.Response) -> None:
        kind = ""
        seq = 0
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                seq = int(value)
            elif name == "event":
                kind = value
            elif name == "data" and kind in ("result", "end"):
                self._note(kind, seq, json.loads(value))

    def _note(self, kind: str, seq: int, data: Json) -> None:
        with self._news:
            if kind == "end":
                self.end = data
            else:
                self.seqs.append(seq)
                self.indexes.append(data["index"])
            self._news.notify_all()


def assert_complete(follower: Follower, count: int) -> None:
    """The events told each image once, with numbers that have no gap."""
    assert follower.seqs == list(range(1, count + 1))
    assert sorted(follower.indexes) == list(range(count))


def lines_of(server: LiveServer, id: str) -> list[Json]:
    with server.client(120) as client:
        text = client.get(f"/v1/jobs/{id}/results.ndjson").raise_for_status().text
    return [json.loads(line) for line in text.splitlines()]


def reference(server: LiveServer, folder: Path, operations: list[Any]) -> list[str]:
    """What each kind of input gives in a batch that nothing happens to: its SHA-256."""
    images = [
        {"input": f"in/{n}.jpg", "output": f"out/calm/{n}.jpg"} for n in range(KINDS_OF_INPUT)
    ]
    with server.client(120) as client:
        answer = client.post("/v1/batches", json={"images": images, "operations": operations})
    assert answer.status_code == 200, "\n".join(server.lines)[-5000:]
    assert answer.json()["counts"]["succeeded"] == KINDS_OF_INPUT, answer.text
    found = [digest(folder / "out/calm" / f"{n}.jpg") for n in range(KINDS_OF_INPUT)]
    for path in (folder / "out/calm").iterdir():
        path.unlink()
    (folder / "out/calm").rmdir()
    return found


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_outputs(folder: Path, expected: list[str], indexes: list[int]) -> None:
    """The outputs of these images are there, to the byte, and nothing else is."""
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {f"{index}.jpg" for index in indexes}
    wrong = [n for n in indexes if digest(folder / f"out/{n}.jpg") != expected[n % len(expected)]]
    assert wrong == []


def elapsed(since: float) -> str:
    return f"{time.monotonic() - since:.1f} s"
