"""Images of stores are read ahead and written behind, while others are made."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from service.engine import overlap, worker
from service.engine.base import ItemResult, WorkItem
from service.storage import SinkUnwritable, SourceNotFound, Storage, StorageError
from service.transfer import FileSink, FileSource
from tests.samples import photograph
from tests.workshop import PATIENCE, make_workshop

IMAGE = cv2.imencode(".png", photograph(64, 48))[1].tobytes()


class Store(Storage):
    """Has every image but those called `missing`, and takes every result but those called `full`.

    Reads wait until `reads` are under way at once, and writes likewise.
    """

    def __init__(self, folder: Path, reads: int, writes: int) -> None:
        super().__init__([folder], [folder], 1 << 25)
        self.reading, self.writing = threading.Barrier(reads), threading.Barrier(writes)
        self.asked: list[str] = []

    def read(self, path: str, count: int | None = None) -> bytes:
        self.asked.append(path)
        self.reading.wait(PATIENCE)
        if "missing" in path:
            raise SourceNotFound(f"there is no object {path}")
        return IMAGE

    def write(self, path: str, results: list[bytes], token: str) -> list[str]:
        self.writing.wait(PATIENCE)
        if "full" in path:
            raise SinkUnwritable(f"{path} cannot be written")
        return [path]


Run = Callable[..., list[ItemResult]]


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    reads, writes = getattr(request, "param", (1, 1))
    return Store(tmp_path, reads, writes)


@pytest.fixture
def run(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What becomes of a task of the images with these names."""
    shop = make_workshop(tmp_path)
    config = replace(shop.config, storage=store)
    monkeypatch.setattr(worker._State, "config", config, raising=False)
    return lambda *names: worker.run_task(shop.task(items=list(map(item, range(99), names))))


def item(index: int, name: str) -> WorkItem:
    return WorkItem(index, FileSource(f"s3://in/{name}.png"), FileSink(f"s3://out/{name}.png"))


def paths(results: list[ItemResult]) -> list[str | type[StorageError]]:
    """The path of each, or the kind of its error."""
    return [
        type(one.error) if isinstance(one.error, StorageError) else one.outputs[0].path
        for one in results
    ]


@pytest.mark.parametrize("store", [(4, 1)], indirect=True)
def test_images_are_read_at_once(run: Run) -> None:
    assert len(paths(run("a", "b", "c", "d"))) == 4


@pytest.mark.parametrize("store", [(1, 4)], indirect=True)
def test_results_are_written_at_once(run: Run) -> None:
    assert paths(run("a", "b", "c", "d")) == [f"s3://out/{name}.png" for name in "abcd"]


def test_a_fault_is_that_of_its_image(run: Run) -> None:
    found = paths(run("a", "missing", "full", "d"))
    assert found == ["s3://out/a.png", SourceNotFound, SinkUnwritable, "s3://out/d.png"]


def test_where_no_thread_can_be_started_images_are_read_in_their_turn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert paths(run("a", "missing", "c")) == ["s3://out/a.png", SourceNotFound, "s3://out/c.png"]


def test_no_more_is_read_ahead_than_fits_by_the_sizes_of_those_before(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "_AHEAD_BYTES", 2 * len(IMAGE))
    names = [str(number) for number in range(30)]
    ahead: list[int] = []
    monkeypatch.setattr(worker, "note", lambda *_: ahead.append(len(store.asked)))
    config = worker._State.config
    monkeypatch.setattr(worker._State, "config", replace(config, progress="noted"))
    run(*names)
    assert max(asked - done for done, asked in enumerate(ahead[10:30], 10)) <= 3


def test_files_of_this_machine_are_read_in_their_turn(store: Store, run: Run) -> None:
    local = WorkItem(0, FileSource("a.png"), FileSink("b.png"))
    with overlap.Overlap(store, [local]) as found:
        assert list(found.items()) == [local]
    assert store.asked == []
