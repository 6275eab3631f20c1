"""A job of a hundred thousand images: as fast as a thousand, flat memory, nobody waits longer."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from tests.live import LiveServer, until
from tests.service.storing import jpeg
from tests.soak.conftest import Start
from tests.soak.work import (
    IMAGES,
    MANY,
    Follower,
    assert_complete,
    done,
    elapsed,
    job_of,
    make_inputs,
    say,
    seconds_of,
    submit,
)

SMALL = ["resize=32x32"]
ROUNDS = 5
GROWTH = 50 << 20
LEAST_RATE = 0.9
ASKED = 60
MOST_WAITING = 2.0


@contextmanager
def sampled(measure: Callable[[], int], seconds: float = 0.25) -> Iterator[list[int]]:
    """What `measure` gives, again and again."""
    samples: list[int] = []
    stopped = threading.Event()

    def sample() -> None:
        while not stopped.wait(seconds):
            samples.append(measure())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        stopped.set()
        thread.join()


def rate_of(server: LiveServer, images: list[dict[str, str]]) -> float:
    """Images a second of one job, whose events are complete."""
    follower = Follower(submit(server, images, SMALL))
    follower.follow(server)
    job = follower.wait_for_end()
    assert (job["state"], job["counts"]["succeeded"]) == ("completed", len(images))
    assert_complete(follower, len(images))
    return done(job) / seconds_of(job)


def test_a_job_of_very_many_images(start: Start, tmp_path: Path) -> None:
    images = make_inputs(tmp_path, MANY, 64, 64)
    server = start().ready()
    rates = [rate_of(server, images[:IMAGES]) for _ in range(ROUNDS)]
    memory = psutil.Process(server.process.pid).memory_info
    before = memory().rss
    began = time.monotonic()
    with sampled(lambda: int(memory().rss)) as samples:
        rate = rate_of(server, images)
    usual = statistics.median(rates)
    growth = max(samples) - before
    say(f"{IMAGES} images: {usual:.0f} a second, of {', '.join(f'{one:.0f}' for one in rates)}")
    say(f"{MANY} images: {rate:.0f} a second, {elapsed(began)}, {rate / usual:.0%} of it")
    quarters = [samples[len(samples) * at // 4] >> 20 for at in range(4)]
    say(f"memory: {before >> 20} MiB before, {quarters} in its quarters, {growth >> 20} MiB more")
    assert len(list((tmp_path / "out").iterdir())) == MANY
    assert growth < GROWTH
    assert rate >= LEAST_RATE * usual


def test_who_sends_one_image_meanwhile_waits_little(start: Start, tmp_path: Path) -> None:
    images = make_inputs(tmp_path, MANY, 64, 64)
    server = start().ready()
    picture = jpeg(800, 600)
    median_of_asking(server, picture)  # its workers are started by the first
    idle = median_of_asking(server, picture)
    id = submit(server, images, SMALL)
    until(lambda: done(job_of(server, id)) > 0)  # following would take this process's time
    busy = median_of_asking(server, picture)
    with server.client() as client:
        state = client.post(f"/v1/jobs/{id}/cancel").raise_for_status().json()["state"]
    assert state == "running", "the job was over too soon: raise SOAK_MANY"
    say(f"median {idle:.1f} ms idle, {busy:.1f} ms during a job: {busy / idle:.2f} times")
    assert busy <= MOST_WAITING * idle


def median_of_asking(server: LiveServer, picture: bytes) -> float:
    """Milliseconds for one image, one after another."""
    with server.client() as client:
        return statistics.median(_asked(client, picture) for _ in range(ASKED))


def _asked(client: httpx2.Client, picture: bytes) -> float:
    began = time.perf_counter()
    answer = client.post(
        "/v1/process?operations=resize%3D0.5&format=webp",
        content=picture,
        headers={"Content-Type": "image/jpeg"},
    )
    answer.raise_for_status()
    return 1000 * (time.perf_counter() - began)
