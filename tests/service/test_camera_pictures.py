"""The folder of pictures: numbers, and what may be read of it."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.camera.pictures import NumberedFolder, pictures_in
from service.storage import SinkUnwritable
from service.store.errors import NotStored
from tests.live import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> NumberedFolder:
    return pictures_in(tmp_path / "pictures")


def names(folder: NumberedFolder) -> list[str]:
    return sorted(path.name for path in folder.root.iterdir())


def test_pictures_are_numbered(folder: NumberedFolder) -> None:
    assert [folder.save(b"x").name for _ in range(3)] == [
        "picture_0001.jpg",
        "picture_0002.jpg",
        "picture_0003.jpg",
    ]


def test_the_number_is_after_the_highest(folder: NumberedFolder) -> None:
    folder.root.mkdir()
    (folder.root / "picture_9999.jpg").write_bytes(b"mine")
    (folder.root / "picture_0004.txt").write_bytes(b"other")
    assert folder.save(b"x").name == "picture_10000.jpg"
    assert (folder.root / "picture_9999.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("number", ["999999999", "9" * 60])
def test_a_picture_after_a_high_number_can_be_had(folder: NumberedFolder, number: str) -> None:
    folder.root.mkdir()
    (folder.root / f"picture_{number}.jpg").write_bytes(b"mine")
    saved = [folder.save(b"x"), folder.save(b"y")]
    assert [file.name for file in saved] == [f"picture_{int(number) + n}.jpg" for n in (1, 2)]
    assert [folder.get(file.name).path.read_bytes() for file in saved] == [b"x", b"y"]
    assert folder.page(None, 2)[0] == saved[::-1]


def test_threads_overwrite_nothing(folder: NumberedFolder) -> None:
    with ThreadPoolExecutor(8) as threads:
        saved = list(threads.map(lambda number: folder.save(b"%d" % number), range(80)))
    assert len({file.name for file in saved}) == 80
    assert [file.path.read_bytes() for file in saved] == [b"%d" % number for number in range(80)]


SAVING = """
import sys
from pathlib import Path
from service.camera.pictures import pictures_in
folder = pictures_in(Path(sys.argv[1]))
sys.stdin.read()
for number in range(100):
    folder.save(f"{sys.argv[2]}-{number}".encode())
"""


def test_processes_overwrite_nothing(folder: NumberedFolder) -> None:
    command = [sys.executable, "-c", SAVING, str(folder.root)]
    processes = [
        subprocess.Popen([*command, who], cwd=ROOT, stdin=subprocess.PIPE) for who in ("a", "b")
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait(30) for process in processes] == [0, 0]
    held = sorted(path.read_text() for path in folder.root.iterdir())
    assert held == sorted(f"{who}-{number}" for who in "ab" for number in range(100))


def test_nothing_half_written_is_left(folder: NumberedFolder) -> None:
    folder.save(b"whole")
    (folder.root / "picture_0002.jpg").mkdir()  # a name that is taken, by no picture
    folder.save(b"whole")
    assert names(folder) == ["picture_0001.jpg", "picture_0002.jpg", "picture_0003.jpg"]


def test_what_a_killed_process_left_is_removed(folder: NumberedFolder) -> None:
    folder.root.mkdir()
    old, young = (folder.root / f".picture_{name}.part.jpg" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    folder.save(b"x")
    assert names(folder) == [young.name, "picture_0001.jpg"]


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SinkUnwritable, match="the folder of the pictures cannot be written"):
        pictures_in(tmp_path / "file" / "pictures").save(b"x")


def test_pages_begin_with_the_newest(folder: NumberedFolder) -> None:
    for _ in range(5):
        folder.save(b"x")
    first, behind = folder.page(None, 3)
    second, end = folder.page(behind, 3)
    numbers = [file.name[8:12] for file in (*first, *second)]
    assert numbers == ["0005", "0004", "0003", "0002", "0001"]
    assert end is None


def test_an_empty_folder_has_an_empty_page(folder: NumberedFolder) -> None:
    assert folder.page(None, 10) == ([], None)


@pytest.mark.parametrize(
    "name",
    [
        "picture_0002.jpg",
        "../secret.jpg",
        "secret.jpg",
        "picture_0001.jpg/..",
        "",
        "picture_٣٣٣٣.jpg",
    ],
)
def test_only_pictures_can_be_named(folder: NumberedFolder, name: str) -> None:
    folder.save(b"x")
    (folder.root / "secret.jpg").write_bytes(b"secret")
    (folder.root.parent / "secret.jpg").write_bytes(b"secret")
    for look in (folder.get, folder.remove):
        with pytest.raises(NotStored, match="there is no picture"):
            look(name)


def test_a_link_is_no_picture(folder: NumberedFolder) -> None:
    folder.root.mkdir()
    (folder.root.parent / "secret.jpg").write_bytes(b"secret")
    (folder.root / "picture_0001.jpg").symlink_to(folder.root.parent / "secret.jpg")
    with pytest.raises(NotStored):
        folder.get("picture_0001.jpg")


def test_a_picture_can_be_removed(folder: NumberedFolder) -> None:
    folder.remove(folder.save(b"x").name)
    assert names(folder) == []
