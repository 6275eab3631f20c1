"""A job on a Dask cluster gives the same outputs when parts of the cluster are killed."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cluster import DaskCluster
from tests.live import LiveServer
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

SEED = 9
WORKERS = 2
KILLS_OF_THE_SCHEDULER = 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with DaskCluster(folder, WORKERS, nannies=True).ready() as made:
        yield made


@pytest.fixture
def server(cluster: DaskCluster, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(
        tmp_path,
        engine=cluster.url,
        store=f"sqlite:///{tmp_path / 'darkroom.db'}",
        library="nothing",
        write_roots="out",
        task_timeout="10s",
    ) as made:
        yield made.ready()


@contextmanager
def killing(cluster: DaskCluster, seconds: float) -> Iterator[list[str]]:
    """SIGKILL a random Dask worker, or a process that does image work, every so many seconds."""
    chance = random.Random(SEED)
    killed: list[str] = []
    stopped = threading.Event()

    def kill() -> None:
        while not stopped.wait(seconds):
            victims = list(_victims(cluster))
            kinds = sorted({kind for kind, _ in victims})
            if kinds:
                kind = chance.choice(kinds)
                chance.choice([one for of, one in victims if of == kind]).kill()
                killed.append(kind)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stopped.set()
        thread.join()


def _victims(cluster: DaskCluster) -> Iterator[tuple[str, psutil.Process]]:
    """The nannies are not among them: what they do is what is relied on."""
    for nanny in cluster.workers:
        try:
            for child in psutil.Process(nanny.pid).children(recursive=True):
                command = " ".join(child.cmdline())
                if "multiprocessing.spawn" in command:
                    yield "Dask worker", child
                elif "forkserver" in command and "forkserver" in " ".join(child.parent().cmdline()):
                    yield "process", child
        except (psutil.NoSuchProcess, AttributeError):
            continue  # it was killed a moment ago


def assert_whole(
    server: LiveServer, follower: Follower, expected: list[str], folder: Path, began: float
) -> None:
    job = follower.wait_for_end()
    say(f"{done(job)} images in {elapsed(began)}: {job['counts']}")
    failed = [line for line in lines_of(server, follower.id) if line["status"] == "failed"]
    assert failed == []
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", IMAGES)
    assert_complete(follower, IMAGES)
    assert_outputs(folder, expected, list(range(IMAGES)))  # no .part file either


def test_a_part_of_the_cluster_is_killed_every_second(
    cluster: DaskCluster, server: LiveServer, tmp_path: Path
) -> None:
    images = make_inputs(tmp_path, IMAGES, 800, 600)
    expected = reference(server, tmp_path, HEAVY)
    began = time.monotonic()
    with killing(cluster, 1.0) as killed:
        follower = Follower(submit(server, images, HEAVY))
        follower.follow(server)
        follower.wait_for_end()
    say(", ".join(f"{killed.count(kind)} times a {kind}" for kind in sorted(set(killed))))
    assert {"Dask worker", "process"} == set(killed)
    assert_whole(server, follower, expected, tmp_path, began)


def test_the_scheduler_is_killed_and_started_again(
    cluster: DaskCluster, server: LiveServer, tmp_path: Path
) -> None:
    images = make_inputs(tmp_path, IMAGES, 800, 600)
    expected = reference(server, tmp_path, HEAVY)
    began = time.monotonic()
    follower = Follower(submit(server, images, HEAVY))
    follower.follow(server)
    for number in range(1, KILLS_OF_THE_SCHEDULER + 1):
        follower.wait_for(IMAGES * number // (KILLS_OF_THE_SCHEDULER + 1))
        cluster.kill_scheduler()
        cluster.restart()
    assert_whole(server, follower, expected, tmp_path, began)
