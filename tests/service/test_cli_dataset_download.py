"""`python main.py dataset`: downloads that break off, and what is not what it should be."""

import hashlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli.datasets.download import download
from service.cli.datasets.errors import ArchiveRefused
from tests.live import until
from tests.service.cifar import SAVED, Shop, archive, fetch, files, sha256
from tests.service.commands import MAIN, PATIENCE


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cli.datasets.download._FIRST_PAUSE", 0.001)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def good() -> bytes:
    return archive()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_wrong_checksum_is_named_and_nothing_is_unpacked(
    good: bytes, tmp_path: Path, algorithm: str
) -> None:
    digest = hashlib.new(algorithm, good).hexdigest()
    wrong = "0" * len(digest)
    with Shop(good) as shop:
        done = fetch(shop.url, tmp_path, "--checksum", f"{algorithm}:{wrong}")
    assert done.exit_code == 1
    assert f"has the checksum {algorithm}:{digest}, expected is {algorithm}:{wrong}" in done.stderr
    assert files(tmp_path) == []


def test_a_download_that_breaks_off_goes_on_where_it_was(good: bytes, tmp_path: Path) -> None:
    with Shop(good, breaks=[1000, 500]) as shop:
        done = fetch(shop.url, tmp_path, "--checksum", sha256(good))
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path) == SAVED
    assert shop.asked == [
        (None, None),
        ("bytes=1000-", shop.tag),
        ("bytes=1500-", shop.tag),
    ]


def test_a_download_that_was_given_up_is_gone_on_with_by_the_next_run(
    good: bytes, tmp_path: Path
) -> None:
    with Shop(good, breaks=[1000, *[0] * 5]) as shop:
        lost = fetch(shop.url, tmp_path, "--checksum", sha256(good))
        before = len(shop.asked)
        shop.breaks.clear()
        done = fetch(shop.url, tmp_path, "--checksum", sha256(good))
    assert lost.exit_code == 1
    assert "; the same command goes on where it was" in lost.stderr
    assert done.exit_code == 0, done.stderr
    assert shop.asked[before:] == [("bytes=1000-", shop.tag)]


def test_ctrl_c_keeps_what_came_for_the_next_run(
    good: bytes, tmp_path: Path, interruptible: None
) -> None:
    with Shop(good, breaks=[1000]) as shop:
        shop.go_on.clear()
        with subprocess.Popen(
            [*MAIN, "dataset", "--url", shop.url, "--output", str(tmp_path)],
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            part = tmp_path / ".tiny.tar.gz.part"
            until(lambda: shop.stalled.is_set() and part.is_file())
            process.send_signal(signal.SIGINT)
            message = process.communicate(timeout=PATIENCE)[1]
        shop.go_on.set()
        done = fetch(shop.url, tmp_path)
    assert (process.returncode, done.exit_code) == (130, 0)
    assert message == "stopped; the same command goes on where it was\n"
    assert files(tmp_path) == SAVED


def test_a_server_that_knows_no_ranges_is_asked_for_everything_again(
    good: bytes, tmp_path: Path
) -> None:
    with Shop(good, breaks=[1000], ranges=False) as shop:
        done = fetch(shop.url, tmp_path, "--checksum", sha256(good))
    assert done.exit_code == 0, done.stderr
    assert shop.asked == [(None, None), ("bytes=1000-", shop.tag)]


def test_a_file_that_changed_in_between_is_not_put_together_of_both(
    good: bytes, tmp_path: Path
) -> None:
    other = archive(labels=["cow", "dog", "ship"])
    with Shop(other, breaks=[1000, *[0] * 5]) as shop:
        fetch(shop.url, tmp_path)
        shop.breaks.clear()
        shop.content, shop.tag = good, '"another"'
        done = fetch(shop.url, tmp_path, "--checksum", sha256(good))
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path) == SAVED


def test_more_bytes_than_the_limit_are_not_downloaded(good: bytes, tmp_path: Path) -> None:
    with Shop(good) as shop, pytest.raises(ArchiveRefused, match="bytes or more, the limit is 99"):
        download(shop.url, tmp_path / "archive", lambda size, total: None, limit=99)
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_a_file_is_named(good: bytes, tmp_path: Path) -> None:
    with Shop(good) as shop:
        done = fetch(f"{shop.url}.old", tmp_path)
    assert done.exit_code == 2
    assert "the server answers 404" in done.stderr
