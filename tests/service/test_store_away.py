"""The database goes away, comes back, or is not what was expected."""

import asyncio
import collections
import itertools
import logging
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import perf_counter

import cv2
import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pymongo import MongoClient

from service.app import create_app
from service.settings import load_settings
from tests.conftest import services
from tests.live import ROOT, LiveServer, environment, until
from tests.mongod import Mongod
from tests.service.storing import jpeg
from tests.service.uploading import good, refused
from tests.stores import KINDS, mongod_or_skip, url_of

LONGEST = 6.0
"""Seconds that a client waits for the answer that the database is away."""

SOON = "&serverSelectionTimeoutMS=1500"
"""For tests that are not of how long a client waits: half of what it is without."""

PASSWORD = "geheim-4711"
PICTURE = jpeg(40, 30)
ENOUGH = 30
"""Images that are acknowledged before something is killed."""


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server of this module's own: it is killed."""
    yield from mongod_or_skip(tmp_path_factory.mktemp("away"))


@pytest.fixture
def away(mongod: Mongod) -> Iterator[Mongod]:
    """The server, which the test may kill; it is there again afterwards."""
    yield mongod
    mongod.kill()
    mongod.start("--auth")


def server_over(folder: Path, store: str, **settings: object) -> LiveServer:
    return LiveServer(
        folder, store=store, library=folder / "library", read_roots=folder, workers=1, **settings
    )


def insert(client: httpx2.Client, *names: str) -> httpx2.Response:
    files = [("files", (name, PICTURE)) for name in names]
    return client.post("/v1/collections/mine/images", files=files)


def inserted(response: httpx2.Response) -> list[str]:
    assert response.status_code == 201, response.text
    found: list[str] = response.json()["inserted"]
    return found


def stored_names(client: httpx2.Client) -> list[str]:
    """All names of the collection, as its pages have them."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/v1/collections/mine/images", params={"cursor": cursor}).json()
        names += [image["name"] for image in page["images"]]
        cursor = page["next"]
    return names


class Inserters:
    """Threads that insert image after image, and note what was acknowledged."""

    def __init__(self, clients: list[httpx2.Client], threads: ThreadPoolExecutor) -> None:
        self.acknowledged: list[str] = []
        self.some = Event()
        self._enough = Event()
        self._running = [
            threads.submit(self._run, number, client) for number, client in enumerate(clients)
        ]

    def end(self) -> list[str]:
        self._enough.set()
        for thread in self._running:
            thread.result()
        return self.acknowledged

    def _run(self, number: int, client: httpx2.Client) -> None:
        with client, suppress(httpx2.TransportError):  # then the service itself was killed
            for count in itertools.count():
                if self._enough.is_set():
                    return
                answer = insert(client, *(f"{number}-{count}-{part}.jpg" for part in range(3)))
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    self.acknowledged += inserted(answer)
                if len(self.acknowledged) > ENOUGH:
                    self.some.set()


def assert_kept(client: httpx2.Client, acknowledged: list[str]) -> None:
    names = stored_names(client)
    assert len(set(names)) == len(names)
    assert len(acknowledged) > ENOUGH
    assert set(acknowledged) <= set(names)


# --- MongoDB -----------------------------------------------------------------------------------


def test_what_was_acknowledged_survives_a_killed_database(
    away: Mongod, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    with server_over(tmp_path, away.url("killed")) as server, server.ready().client() as client:
        inserters = Inserters([server.client() for _ in range(4)], threads)
        assert inserters.some.wait(30)
        away.kill()
        away.start("--auth")
        until(lambda: insert(client, "after.jpg").status_code == 201)
        assert_kept(client, inserters.end())
        assert not [line for line in server.lines if "Traceback" in line]


def test_the_total_of_the_library_is_right_after_a_kill(away: Mongod, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    for number in range(20):
        (library / f"{number}.jpg").write_bytes(PICTURE)
    with server_over(tmp_path, away.url("counted")) as server, server.ready().client() as client:
        good(client.post("/v1/images/scan"))
        away.kill()
        away.start("--auth")
        page = good(client.get("/v1/images?limit=5")).json()
        assert (page["total"], len(page["images"])) == (20, 5)


def test_while_the_database_is_away_the_rest_goes_on(
    away: Mongod, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    (tmp_path / "in.png").write_bytes(PICTURE)
    with server_over(tmp_path, away.url("rest") + SOON, write_roots=tmp_path) as server:
        client = server.ready().client()
        away.kill()
        waiting = threads.submit(client.get, "/v1/collections")
        assert good(client.post("/v1/process?operations=invert", content=PICTURE)).content
        assert good(client.get("/healthz")).json() == {"status": "ok"}
        assert not waiting.done()  # none of them waited for the database
        images = [{"input": str(tmp_path / "in.png"), "output": str(tmp_path / "out.png")}]
        batch = good(client.post("/v1/batches", json={"images": images})).json()
        assert batch["counts"]["succeeded"] == 1
        ready = good(client.get("/readyz")).json()
        assert (ready["status"], ready["store"]) == ("ready", "away")
        refused(waiting.result(), 503, "store-unavailable")
        client.close()


def test_a_batch_that_is_waited_for_is_done_once_though_the_database_goes_away(
    away: Mongod, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    (tmp_path / "in.jpg").write_bytes(jpeg(1200, 900))
    images = [{"input": "in.jpg", "output": f"out/{n}.png"} for n in range(60)]
    body = {"images": images, "operations": ["blur=31", "flip"]}
    with server_over(tmp_path, away.url("waited"), write_roots=tmp_path) as server:
        client = server.ready().client(timeout=60)
        waiting = threads.submit(client.post, "/v1/batches", json=body)
        until(lambda: len(list((tmp_path / "out").glob("*.png"))) > 5)
        away.kill()
        away.start("--auth")
        answer = good(waiting.result()).json()
        assert answer["counts"]["succeeded"] == len(images)
        assert good(client.get(f"/v1/jobs/{answer['id']}")).json()["state"] == "completed"
        (made,) = re.findall(r'images_total{format="png"} (\S+)', client.get("/metrics").text)
        assert float(made) == len(images)
        client.close()


def test_many_requests_at_once_wait_no_longer_than_one(
    away: Mongod, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    def ask(address: str) -> tuple[httpx2.Response, float]:
        started = perf_counter()
        return client.get(address), perf_counter() - started

    addresses = ["/v1/images", "/v1/collections", "/v1/recipes", "/v1/collections/a/images"] * 5
    with server_over(tmp_path, away.url("many")) as server, server.ready().client() as client:
        good(client.get("/v1/collections"))
        away.kill()
        with ThreadPoolExecutor(len(addresses)) as many:
            answers = list(many.map(ask, addresses))
    for answer, seconds in answers:
        refused(answer, 503, "store-unavailable")
        assert answer.headers["retry-after"] == "5"
        assert seconds < LONGEST


def test_a_start_without_the_database_works_when_it_comes(away: Mongod, tmp_path: Path) -> None:
    url = away.url("late") + SOON
    away.kill()
    with server_over(tmp_path, url) as server, server.client() as client:
        warnings = [line for line in server.lines if " WARNING " in line]
        assert len(warnings) == 1
        assert "starting without the store" in warnings[0]
        away.start("--auth")
        assert inserted(insert(client, "a.jpg")) == ["a.jpg"]
        assert away.password not in "\n".join(server.lines)


def urls_with_a_password(mongod: Mongod) -> list[str]:
    return [
        f"mongodb://darkroom:{PASSWORD}@127.0.0.1:{mongod.port}/x?authSource=admin{SOON}",
        f"mongodb://darkroom:{PASSWORD}@127.0.0.1:1/x?authSource=admin{SOON}",
    ]


@pytest.mark.parametrize("which", [0, 1], ids=["wrong", "unreachable"])
def test_a_password_is_shown_nowhere(mongod: Mongod, tmp_path: Path, which: int) -> None:
    url = urls_with_a_password(mongod)[which]
    with server_over(tmp_path, url, log_level="debug") as server, server.client() as client:
        answer = client.get("/v1/collections")
        refused(answer, 503, "store-unavailable")
        shown = [
            answer.text,
            *(client.get(at).text for at in ("/docs", "/openapi.json", "/readyz")),
        ]
    shown += [*server.lines, repr(load_settings(store=url))]
    assert PASSWORD not in "\n".join(shown)


def test_a_wrong_password_is_told_to_each_request(mongod: Mongod, tmp_path: Path) -> None:
    with server_over(tmp_path, urls_with_a_password(mongod)[0]) as server, server.client() as told:
        details = [told.get("/v1/collections").json()["detail"] for _ in range(2)]
    assert details == ["MongoDB refuses the user or the password of DARKROOM_STORE"] * 2


@pytest.mark.parametrize(
    "url",
    [f"mongodb://u:{PASSWORD}@:bad/", f"mongodb://u:{PASSWORD}@h:99999999/", f"my:{PASSWORD}"],
)
def test_what_is_no_address_ends_the_start_with_a_line(tmp_path: Path, url: str) -> None:
    ended = start(tmp_path, url)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "DARKROOM_STORE" in ended.stderr
    assert PASSWORD not in ended.stderr


def start(folder: Path, store: str) -> subprocess.CompletedProcess[str]:
    """A server that is expected not to start."""
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "serve", "--port", "0"],
        cwd=folder,
        env=environment(store=store, workers=1),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_database_ends_the_start_with_a_line(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of(kind, tmp_path, request)
    if kind == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA user_version = 1000")
        connection.close()
    else:
        client: MongoClient[dict[str, object]] = MongoClient(url)
        with client:
            meta = client.get_default_database()["darkroom_meta"]
            meta.insert_one({"_id": "schema", "version": 1000})
    ended = start(tmp_path, url)
    assert ended.returncode != 0
    (line,) = [line for line in ended.stderr.splitlines() if "version 1000" in line]
    assert "DARKROOM_STORE" in line
    assert "Traceback" not in ended.stderr


def test_a_removal_whose_service_died_is_finished_by_the_next(
    mongod: Mongod, tmp_path: Path
) -> None:
    url = mongod.url("removal")
    with server_over(tmp_path, url) as server, server.ready().client() as client:
        inserted(insert(client, "before.jpg"))
        mongo: MongoClient[dict[str, object]] = MongoClient(url)
        with mongo:
            entries = mongo.get_default_database()["darkroom_collections"]
            entries.update_one({"_id": "mine"}, {"$set": {"removing": 1}})
        refused(client.get("/v1/collections/mine/images"), 404, "not-stored")
        assert inserted(insert(client, "after.jpg")) == ["after.jpg"]
        assert stored_names(client) == ["after.jpg"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_whose_collection_is_removed_is_cut_off(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    url = url_of(kind, tmp_path, request)
    with server_over(tmp_path, url) as server, server.ready().client() as client:
        body = {"operations": [], "encode": {"format": "png"}}
        good(client.put("/v1/collections/mine", json=body))
        for first in range(0, 120, 40):
            names = range(first, first + 40)
            files = [("files", (f"{name}.png", data)) for name in names]
            inserted(client.post("/v1/collections/mine/images", files=files))
        with client.stream("GET", "/v1/collections/mine/export.zip") as answer:
            parts = answer.iter_raw()
            next(parts)
            with server.client() as other:
                assert other.delete("/v1/collections/mine").status_code == 204
            with pytest.raises(httpx2.RemoteProtocolError):
                collections.deque(parts, maxlen=0)
        server.wait_for("the answer is cut off")
        assert not [line for line in server.lines if "Traceback" in line]


# --- SQLite ------------------------------------------------------------------------------------


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'darkroom.db'}"


def test_a_file_that_others_lock_is_waited_for_and_then_refused(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    with server_over(tmp_path, sqlite_url(tmp_path)) as server, server.ready().client() as client:
        inserted(insert(client, "before.jpg"))
        other = sqlite3.connect(tmp_path / "darkroom.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        started = perf_counter()
        waiting = [threads.submit(insert, client, f"{number}.jpg") for number in range(4)]
        assert good(client.get("/v1/collections/mine/images")).json()["total"] == 1
        for answer in waiting:
            refused(answer.result(), 503, "store-unavailable")
        assert perf_counter() - started < LONGEST + 2
        other.execute("ROLLBACK")
        other.close()
        assert inserted(insert(client, "after.jpg")) == ["after.jpg"]


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "darkroom.db").write_bytes(b"this is no database" * 500)
    with server_over(tmp_path, sqlite_url(tmp_path)) as server, server.client() as client:
        answer = client.get("/v1/collections")
        refused(answer, 503, "store-unavailable")
        assert "darkroom.db cannot be used: file is not a database" in answer.json()["detail"]
        assert not [line for line in server.lines if "Traceback" in line]


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    url = f"sqlite:///{tmp_path / 'file' / 'darkroom.db'}"
    with server_over(tmp_path, url) as server, server.client() as client:
        answer = client.get("/v1/collections")
        refused(answer, 503, "store-unavailable")
        assert "darkroom.db cannot be used" in answer.json()["detail"]


def test_two_servers_on_one_file_insert_each_name_once(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    url, names = sqlite_url(tmp_path), [f"{number}.jpg" for number in range(30)]
    with server_over(tmp_path, url) as first, server_over(tmp_path, url) as second:
        clients = [first.ready().client(), second.ready().client()]
        calls = [threads.submit(insert, client, name) for name in names for client in clients]
        found = [name for call in calls for name in inserted(call.result())]
        assert sorted(found) == sorted(names)
        assert sorted(stored_names(clients[0])) == sorted(names)
        for client in clients:
            client.close()


def test_what_was_acknowledged_survives_a_killed_service(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    url = sqlite_url(tmp_path)
    with server_over(tmp_path, url) as server:
        inserters = Inserters([server.ready().client() for _ in range(4)], threads)
        assert inserters.some.wait(30)
        server.process.kill()
        acknowledged = inserters.end()
    with server_over(tmp_path, url) as server, server.ready().client() as client:
        assert_kept(client, acknowledged)


# --- the scan of the start ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_that_was_interrupted_is_completed_by_the_next(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "library").mkdir()
    for number in range(200):
        (tmp_path / f"library/{number:03}.jpg").write_bytes(PICTURE)
    settings = load_settings(
        store=url_of(kind, tmp_path, request), library=str(tmp_path / "library"), workers=1
    )
    with caplog.at_level(logging.INFO):
        with TestClient(create_app(settings)):
            pass  # the scan has begun, and is given up
        with TestClient(create_app(settings)) as client:
            good(client.post("/v1/images/scan"))
            assert good(client.get("/v1/images")).json()["total"] == 200
    assert not [record for record in caplog.records if record.exc_info]


def test_a_scan_whose_workers_end_is_completed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    for number in range(50):
        (tmp_path / f"library/{number:03}.jpg").write_bytes(PICTURE)
    settings = load_settings(
        store=sqlite_url(tmp_path), library=str(tmp_path / "library"), workers=1
    )
    app = create_app(settings)
    client = TestClient(app, raise_server_exceptions=False)
    services(app).engine.close(0)
    refused(client.post("/v1/images/scan"), 503, "shutting-down")
    services(app).engine.reopen()
    assert good(client.post("/v1/images/scan")).json()["added"] == 50
    services(app).engine.close(1)
    asyncio.run(services(app).store.close())
