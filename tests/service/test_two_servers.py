"""Two API servers on one MongoDB: what one is given is seen on the other, and outlives it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.entry_points import install_operations
from tests.live import LiveServer, until
from tests.service.storing import jpeg
from tests.service.test_health import metric
from tests.stores import run, store_of, url_of

COUNT = 200
WIDTHS = range(100, 100 + COUNT)
"""Each image has its own, which the operation of the tests notes when the image is begun."""

OPERATIONS = ["test_record=log", "resize=1600x1200", "blur=9"]
"""Some ten milliseconds an image."""


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    return url_of("mongo", tmp_path, request)


@pytest.fixture
def servers(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[LiveServer]]:
    monkeypatch.setenv("PYTHONPATH", install_operations(tmp_path, "Record"))
    settings = {"store": store, "workers": 1, "library": "none", "write_roots": "out"}
    with ExitStack() as stack:
        # Both begin before the first is waited for.
        started = [LiveServer(tmp_path, **settings) for _ in range(2)]
        yield [stack.enter_context(server).ready() for server in started]


def submit(server: LiveServer, folder: Path) -> str:
    (folder / "in").mkdir()
    for width in WIDTHS:
        (folder / f"in/{width}.jpg").write_bytes(jpeg(width, 80))
    images = [{"input": f"in/{width}.jpg", "output": f"out/{width}.jpg"} for width in WIDTHS]
    body = {"images": images, "operations": OPERATIONS}
    with server.client() as client:
        answer = client.post("/v1/batches", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def written(server: LiveServer) -> int:
    """The results that a server says it has written."""
    with server.client() as client:
        return int(metric(client, 'darkroom_images_total{format="jpeg"}'))


def results(server: LiveServer, id: str) -> list[int]:
    """The widths of the images that have a result, in the order in which these were stored."""
    with server.client() as client:
        lines = client.get(f"/v1/jobs/{id}/results.ndjson").raise_for_status().text.splitlines()
    found = [json.loads(line) for line in lines]
    assert {line["status"] for line in found} == {"succeeded"}
    return [WIDTHS[line["index"]] for line in found]


def wait_for_end(server: LiveServer, id: str) -> str:
    with server.client() as client, client.stream("GET", f"/v1/jobs/{id}/events") as stream:
        last = [line for line in stream.iter_lines() if line.startswith("data: ")][-1]
    return str(json.loads(last.removeprefix("data: "))["state"])


def done_before(store: str, id: str) -> int:
    """How many images had a result when the job was claimed last."""
    opened = store_of(store)

    async def ask() -> int:
        try:
            return (await opened.jobs.get(id)).done_before
        finally:
            await opened.close()

    return run(ask())


def test_no_image_with_a_stored_result_is_done_again_when_its_server_is_killed(
    servers: list[LiveServer], store: str, tmp_path: Path
) -> None:
    id = submit(servers[0], tmp_path)
    with servers[1].client() as client:
        assert client.get(f"/v1/jobs/{id}").json()["counts"]["total"] == COUNT
        until(lambda: client.get(f"/v1/jobs/{id}").json()["counts"]["succeeded"] >= COUNT // 8)
    # Either may have claimed it.
    killed, survivor = sorted(servers, key=written, reverse=True)
    assert (written(killed) > 0, written(survivor)) == (True, 0)
    killed.process.kill()
    killed.wait()
    assert wait_for_end(survivor, id) == "completed"

    kept = done_before(store, id)
    assert COUNT // 8 <= kept < COUNT
    assert written(survivor) == COUNT - kept
    order = results(survivor, id)
    assert sorted(order) == list(WIDTHS)
    begun = Counter(int(line) for line in (tmp_path / "log").read_text().split())
    assert [width for width in order[:kept] if begun[width] != 1] == []
    # What was under way, or not stored yet: once by the one that was killed, once by the other.
    assert [width for width in order[kept:] if begun[width] not in (1, 2)] == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{width}.jpg" for width in WIDTHS
    ]
