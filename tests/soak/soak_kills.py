"""A job whose workers, whose server, or whose images are bad to it gives the same outputs."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.service.storing import jpeg
from tests.soak.conftest import Start
from tests.soak.work import (
    HEAVY,
    IMAGES,
    Follower,
    assert_complete,
    assert_outputs,
    done,
    elapsed,
    lines_of,
    make_inputs,
    reference,
    say,
    submit,
)

KILLS_OF_THE_SERVER = 20
WORKERS = 2
SEED = 5
RESUMED_SECONDS = 5.0
POISON = 555
"""Width of the image that a trap is for."""


@contextmanager
def killing_workers(server: LiveServer, seconds: float) -> Iterator[list[int]]:
    """SIGKILL a random worker every so many seconds."""
    chance = random.Random(SEED)
    killed: list[int] = []
    stopped = threading.Event()

    def kill() -> None:
        while not stopped.wait(seconds):
            victims = server.workers()
            for victim in chance.sample(victims, min(1, len(victims))):
                victim.kill()
                killed.append(victim.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stopped.set()
        thread.join()


def test_a_worker_is_killed_every_second(start: Start, tmp_path: Path) -> None:
    images = make_inputs(tmp_path, IMAGES, 800, 600)
    server = start().ready()
    expected = reference(server, tmp_path, HEAVY)
    began = time.monotonic()
    with killing_workers(server, 1.0) as killed:
        id = submit(server, images, HEAVY)
        follower = Follower(id)
        follower.follow(server)
        job = follower.wait_for_end()
    say(f"{len(killed)} workers killed, {done(job)} images in {elapsed(began)}: {job['counts']}")
    assert len(killed) >= IMAGES // 300
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", IMAGES)
    assert_complete(follower, IMAGES)
    assert_outputs(tmp_path, expected, list(range(IMAGES)))


def test_the_server_is_killed_at_random_moments(start: Start, tmp_path: Path) -> None:
    images = make_inputs(tmp_path, IMAGES, 800, 600)
    server = start().ready()
    expected = reference(server, tmp_path, HEAVY)
    id = submit(server, images, HEAVY)
    follower = Follower(id)
    follower.follow(server)
    chance = random.Random(SEED)
    moments = sorted(chance.randrange(int(IMAGES * 0.95)) for _ in range(KILLS_OF_THE_SERVER))
    waits = []
    for moment in moments:
        follower.wait_for(moment)
        threading.Event().wait(chance.uniform(0, 0.3))
        server.signal(signal.SIGKILL)
        server.wait()
        began = time.monotonic()
        before = len(follower.seqs)
        server = start()
        follower = _reconnected(follower, server)
        follower.wait_for(before + 1, 60)
        waits.append(time.monotonic() - began)
    job = follower.wait_for_end()
    say(f"killed {len(moments)} times, resumed after {max(waits):.1f} s at most: {job['counts']}")
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", IMAGES)
    assert_complete(follower, IMAGES)
    assert sorted(line["index"] for line in lines_of(server, id)) == list(range(IMAGES))
    # Nobody is left to remove what a worker was writing when the server was killed with it.
    partial = [path.unlink() for path in (tmp_path / "out").glob(".*.part")]
    say(f"{len(partial)} temporary files were left")
    assert len(partial) <= len(moments) * WORKERS
    assert_outputs(tmp_path, expected, list(range(IMAGES)))
    assert max(waits) < RESUMED_SECONDS


def _reconnected(follower: Follower, server: LiveServer) -> Follower:
    again = Follower(follower.id)
    again.seqs, again.indexes = [*follower.seqs], [*follower.indexes]
    again.follow(server)
    return again


@pytest.mark.parametrize(
    ("operation", "title"),
    [
        ({"op": "test_crash", "how": "kill"}, "worker-crashed"),
        ({"op": "test_crash", "how": "segfault"}, "worker-crashed"),
        ({"op": "test_hoard", "mebibytes": 1 << 16}, "out-of-memory"),
        ({"op": "test_hang"}, "task-timeout"),
    ],
    ids=["kill", "segfault", "memory", "loop"],
)
@pytest.mark.usefixtures("poisons")
def test_one_image_is_poison(
    operation: dict[str, object], title: str, start: Start, tmp_path: Path
) -> None:
    at = IMAGES * 6 // 10
    images = make_inputs(tmp_path, IMAGES, 100, 80)
    record = {"op": "test_record", "path": str(tmp_path / "log")}
    server = start().ready()
    expected = reference(server, tmp_path, [])
    (tmp_path / f"in/{at}.jpg").unlink()
    (tmp_path / f"in/{at}.jpg").write_bytes(jpeg(POISON, 40))
    began = time.monotonic()
    id = submit(server, images, [record, {**operation, "width": POISON}])
    follower = Follower(id)
    follower.follow(server)
    job = follower.wait_for_end()
    attempts = (tmp_path / "log").read_text().split().count(str(POISON))
    say(f"{job['counts']}, {attempts} attempts, {elapsed(began)}")
    (failed,) = [line for line in lines_of(server, id) if line["status"] == "failed"]
    assert failed["index"] == at
    assert failed["error"]["type"] == f"/problems/{title}"
    assert attempts <= 2
    assert job["counts"]["succeeded"] == IMAGES - 1
    assert_outputs(tmp_path, expected, [n for n in range(IMAGES) if n != at])
