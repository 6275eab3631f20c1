"""What the service says of itself."""

import os
import platform
from pathlib import Path

import cv2
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import create_app
from service.processes import family
from service.settings import load_settings
from service.status import limits_of
from service.store.jobs import StoredJob
from tests.conftest import WORKERS, services
from tests.stores import run

HTML = {"Accept": "text/html"}
SECRETS = ("a-key-of-the-service-01", "a-secret-of-webhooks-02", "a-password-03")


def test_it_counts_what_was_done(client: TestClient, workspace: Path) -> None:
    before = client.get("/v1/status").json()["counters"]
    photo = (workspace / "in/photo.jpg").read_bytes()
    client.post("/v1/process?operations=flip&operations=split", content=photo)
    client.post("/v1/process?operations=crop=900,900,1,1", content=photo)
    after = client.get("/v1/status").json()["counters"]
    assert (after["images"] - before["images"], after["failures"] - before["failures"]) == (4, 1)
    assert after["requests"] - before["requests"] == 3


def test_it_tells_each_part_in_a_word(client: TestClient) -> None:
    client.get("/readyz")
    found = client.get("/v1/status").json()
    states = {name: found[name]["state"] for name in ("engine", "store", "camera", "ingest")}
    assert states == {"engine": "ready", "store": "ready", "camera": "idle", "ingest": "off"}
    assert (found["engine"]["workers"], found["engine"]["queued"]) == (WORKERS, 0)
    assert all(found[name]["detail"] for name in (*states, "stream"))


def test_it_names_the_versions(client: TestClient) -> None:
    found = client.get("/v1/status").json()
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["opencv"] == cv2.__version__
    assert (found["store"]["kind"], found["versions"]["store"][:2]) == ("SQLite", "3.")


def test_the_memory_is_that_of_server_and_workers(client: TestClient, app: FastAPI) -> None:
    client.get("/readyz")
    memory = client.get("/v1/status").json()["memory"]
    processes = {one["pid"]: one for one in memory["processes"]}
    assert processes[os.getpid()]["role"] == "server"
    assert processes[os.getpid()]["memory_bytes"] > 10e6
    assert sum(one["role"] == "worker" for one in processes.values()) >= WORKERS
    assert memory["total_bytes"] == sum(one["memory_bytes"] for one in processes.values())
    assert memory["budget_bytes"] == services(app).settings.engine.memory_budget


def test_it_tells_of_large_images(client: TestClient, app: FastAPI) -> None:
    admission = services(app).dispatcher.admission
    inside, waiting = admission.enter(1 << 50), admission.enter(1 << 50)
    try:
        memory = client.get("/v1/status").json()["memory"]
        assert (memory["large_image_bytes"], memory["large_images_waiting"]) == (1 << 50, 1)
    finally:
        admission.leave(waiting)
        admission.leave(inside)


def test_it_shows_the_jobs_that_run(workspace: Path) -> None:
    app = create_app(load_settings(store=f"sqlite:///{workspace}/with_jobs.db"))
    jobs = services(app).store.jobs
    for id in ("one", "two"):
        run(jobs.create(StoredJob(id, "queued", 1, 10, "{}"), [["a.jpg"]] * 10))
    run(jobs.claim("me", 2, 1 << 60))
    found = TestClient(app).get("/v1/status").json()["jobs"]
    assert found["unfinished"] == 2
    assert [(job["state"], job["counts"]["total"]) for job in found["running"]] == [("running", 10)]


def test_a_database_that_is_away_is_told_and_the_rest_with_it(workspace: Path) -> None:
    (workspace / "no_folder").write_text("a file")
    app = create_app(load_settings(store=f"sqlite:///{workspace}/no_folder/store.db"))
    client = TestClient(app)
    found = client.get("/v1/status").json()
    assert (found["store"]["state"], found["store"]["milliseconds"]) == ("trouble", None)
    assert found["store"]["detail"]
    assert (found["versions"]["store"], found["jobs"]["unfinished"]) == (None, None)
    page = client.get("/status", headers=HTML)
    assert page.status_code == 200
    assert 'data-part="store" data-state="trouble"' in page.text


def test_it_wants_a_key_as_other_routes_do(workspace: Path) -> None:
    store = f"sqlite:///{workspace}/keyed.db"
    client = TestClient(create_app(load_settings(api_keys=SECRETS[0], store=store)))
    assert client.get("/v1/status").status_code == 401
    answer = client.get("/v1/status", headers={"X-API-Key": SECRETS[0]})
    assert answer.status_code == 200
    assert SECRETS[0] not in answer.text


def test_limits_are_the_settings_that_are_numbers_and_hold_no_secret() -> None:
    settings = load_settings(
        api_keys=SECRETS[0],
        webhook_secret=SECRETS[1],
        store=f"mongodb://user:{SECRETS[2]}@localhost/x",
        camera=f"rtsp://user:{SECRETS[2]}@localhost/x",
        max_body="5MiB",
        workers=3,
    )
    limits = {one.name: one.value for one in limits_of(settings)}
    assert limits["DARKROOM_MAX_BODY"] == "5MiB"
    assert limits["DARKROOM_WORKERS"] == "3"
    assert "DARKROOM_PORT" not in limits
    assert not [secret for secret in (*SECRETS, "localhost") if secret in str(limits)]


# --- processes ---------------------------------------------------------------------------------


def grow(proc: Path, pid: int, kilobytes: int | None, *children: int) -> None:
    """A process as it is in /proc; one without memory has ended just now."""
    thread = proc / str(pid) / "task" / str(pid)
    thread.mkdir(parents=True)
    (thread / "children").write_text("".join(f"{child} " for child in children))
    if kilobytes is not None:
        (proc / str(pid) / "smaps_rollup").write_text(
            f"Rss:  99999 kB\nPss:  {kilobytes} kB\nPss_Anon: 1 kB\n"
        )


def test_a_family_of_processes_is_walked_by_their_depth(tmp_path: Path) -> None:
    grow(tmp_path, 1, 100, 2, 3)
    grow(tmp_path, 2, 20)
    grow(tmp_path, 3, 30, 4, 5)
    grow(tmp_path, 4, 4)
    grow(tmp_path, 5, None)
    grow(tmp_path, 6, 6)
    found = [(one.pid, one.depth, one.memory) for one in family(tmp_path, 1)]
    assert found == [(1, 0, 102400), (2, 1, 20480), (3, 1, 30720), (4, 2, 4096)]


def test_a_system_without_proc_tells_no_memory(tmp_path: Path) -> None:
    assert family(tmp_path / "proc", 1) == []
