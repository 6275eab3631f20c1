"""Confined reads and atomic writes. Nothing here relies on file modes, which root may ignore."""

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from service.storage import (
    PathRefused,
    SinkUnwritable,
    SourceNotFound,
    SourceTooLarge,
    Storage,
    StorageError,
)
from tests.live import ROOT

MAX_BYTES = 4 << 20
TOKEN = "0123456789abcdef"
DEEP = "a/" * 2500 + "b"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`in/` and `out/`, the roots, beside `in-evil/` and `secret.txt`, which are none."""
    for name in ("in", "out", "in-evil"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(b"inside")
    (tmp_path / "in-evil" / "a.txt").write_bytes(b"evil")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return tmp_path


@pytest.fixture
def storage(root: Path) -> Storage:
    return Storage([root / "in"], [root / "out"], MAX_BYTES)


@pytest.fixture
def relative(root: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Made in `root`: relative paths start there, whatever the working directory is later."""
    monkeypatch.chdir(root)
    made = Storage([Path("in")], [Path("out")], MAX_BYTES)
    monkeypatch.chdir("/")
    return made


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --------------------------------------------------------------------------------- confinement


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "in/../secret.txt",
        "in/../../../../../etc/passwd",
        "in-evil/a.txt",
        "in/../in-evil/a.txt",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "secret.txt",
        "in",
        "in/",
        "in/.",
        ".",
        "",
        "in/a\0.txt",
        "\0",
        "in/\ud800.txt",
    ],
)
def test_paths_that_are_none_or_lead_out_are_refused(relative: Storage, path: str) -> None:
    with pytest.raises(PathRefused):
        relative.read(path)
    with pytest.raises(PathRefused):
        relative.write(path.replace("in", "out", 1), [b"x"], TOKEN)


@pytest.mark.parametrize("path", ["in/a.txt", "./in//a.txt", "in/none/../a.txt", "in/../in/a.txt"])
def test_paths_that_stay_inside_are_read(relative: Storage, path: str) -> None:
    assert relative.read(path) == b"inside"


def test_an_absolute_path_inside_is_read(storage: Storage, root: Path) -> None:
    assert storage.read(str(root / "in" / "a.txt")) == b"inside"


def test_a_path_may_be_written_only_below_the_write_roots(storage: Storage, root: Path) -> None:
    with pytest.raises(PathRefused):
        storage.write(str(root / "in" / "b.txt"), [b"x"], TOKEN)
    assert files(root / "in") == ["a.txt"]


@pytest.mark.parametrize("target", ["secret.txt", "in-evil/a.txt", "/dev/zero", "/proc/self/maps"])
def test_a_link_that_leads_out_is_refused(storage: Storage, root: Path, target: str) -> None:
    (root / "in" / "link").symlink_to(root / target)
    with pytest.raises(PathRefused):
        storage.read(str(root / "in" / "link"))


def test_a_link_to_a_folder_outside_is_refused(storage: Storage, root: Path) -> None:
    (root / "in" / "link").symlink_to(root / "in-evil")
    with pytest.raises(PathRefused):
        storage.read(str(root / "in" / "link" / "a.txt"))


def test_a_chain_of_links_that_leads_out_is_refused(storage: Storage, root: Path) -> None:
    (root / "in" / "first").symlink_to("second")
    (root / "in" / "second").symlink_to("../secret.txt")
    with pytest.raises(PathRefused):
        storage.read(str(root / "in" / "first"))


def test_links_that_lead_in_a_circle_are_no_file(storage: Storage, root: Path) -> None:
    (root / "in" / "first").symlink_to("second")
    (root / "in" / "second").symlink_to("first")
    with pytest.raises(StorageError):
        storage.read(str(root / "in" / "first"))


def test_a_link_that_stays_inside_is_followed(storage: Storage, root: Path) -> None:
    (root / "in" / "link").symlink_to("a.txt")
    assert storage.read(str(root / "in" / "link")) == b"inside"


@pytest.mark.parametrize("target", ["secret.txt", "new.txt"])
def test_nothing_is_written_through_a_link_that_leads_out(
    storage: Storage, root: Path, target: str
) -> None:
    (root / "out" / "link").symlink_to(root / target)
    with pytest.raises(PathRefused):
        storage.write(str(root / "out" / "link"), [b"x"], TOKEN)
    assert (root / "secret.txt").read_bytes() == b"secret"
    assert not (root / "new.txt").exists()


def test_a_percent_sign_is_a_percent_sign(storage: Storage, root: Path) -> None:
    (root / "in" / "%2e%2e%2fa.txt").write_bytes(b"literal")
    assert storage.read(str(root / "in" / "%2e%2e%2fa.txt")) == b"literal"


def test_the_kernels_files_are_refused_even_below_a_root(root: Path) -> None:
    everything = Storage([Path("/")], [Path("/")], MAX_BYTES)
    for path in ("/proc/self/environ", "/dev/zero", "/sys/kernel/notes"):
        with pytest.raises(PathRefused):
            everything.read(path)
        with pytest.raises(PathRefused):
            everything.write(path, [b""], TOKEN)
    assert everything.read(str(root / "in" / "a.txt")) == b"inside"


# ---------------------------------------------------------------------------------------- reads


def test_a_missing_file_is_not_found(storage: Storage, root: Path) -> None:
    with pytest.raises(SourceNotFound):
        storage.read(str(root / "in" / "none.txt"))


def test_a_file_in_the_place_of_a_folder_is_not_found(storage: Storage, root: Path) -> None:
    with pytest.raises(SourceNotFound):
        storage.read(str(root / "in" / "a.txt" / "b.txt"))


@pytest.mark.timeout(10)
def test_a_pipe_is_refused_without_waiting_for_a_writer(storage: Storage, root: Path) -> None:
    os.mkfifo(root / "in" / "pipe")
    with pytest.raises(PathRefused):
        storage.read(str(root / "in" / "pipe"))


def test_a_folder_is_no_input(storage: Storage, root: Path) -> None:
    (root / "in" / "folder").mkdir()
    with pytest.raises(PathRefused):
        storage.read(str(root / "in" / "folder"))


@pytest.mark.parametrize("path", ["in/" + "a" * 5000, "in/" + DEEP], ids=["name", "folders"])
def test_a_path_that_is_too_long_is_an_error_of_the_storage(relative: Storage, path: str) -> None:
    with pytest.raises(StorageError):
        relative.read(path)
    with pytest.raises(StorageError):
        relative.write("out" + path[2:], [b"x"], TOKEN)


def test_a_name_that_is_no_unicode_is_an_error_of_the_storage(relative: Storage) -> None:
    with pytest.raises(StorageError):
        relative.read("in/\udcff.txt")


def test_a_file_of_the_greatest_length_is_read(storage: Storage, root: Path) -> None:
    (root / "in" / "full").write_bytes(b"x" * MAX_BYTES)
    assert len(storage.read(str(root / "in" / "full"))) == MAX_BYTES


def test_a_longer_file_is_refused_without_being_read(storage: Storage, root: Path) -> None:
    with (root / "in" / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SourceTooLarge, match="DARKROOM_MAX_IMAGE_BYTES"):
        storage.read(str(root / "in" / "huge"))


def test_the_head_of_a_file_is_read_alone(storage: Storage, root: Path) -> None:
    assert storage.read(str(root / "in" / "a.txt"), 3) == b"ins"


# --------------------------------------------------------------------------------------- writes


def test_writing_creates_the_folders(storage: Storage, root: Path) -> None:
    path = str(root / "out" / "a" / "b" / "c.txt")
    assert storage.write(path, [b"new"], TOKEN) == [path]
    assert files(root / "out") == ["a/b/c.txt"]


def test_several_results_are_numbered(storage: Storage, root: Path) -> None:
    paths = storage.write(str(root / "out" / "a.b.png"), [b"1", b"2", b"3"], TOKEN)
    assert [Path(path).name for path in paths] == ["a.b_1.png", "a.b_2.png", "a.b_3.png"]
    assert [Path(path).read_bytes() for path in paths] == [b"1", b"2", b"3"]
    assert len(files(root / "out")) == 3


def test_a_path_is_given_back_as_it_was_written(relative: Storage, root: Path) -> None:
    assert relative.write("out/./a.txt", [b"new"], TOKEN) == ["out/./a.txt"]
    assert (root / "out" / "a.txt").read_bytes() == b"new"


def test_an_output_that_is_a_folder_is_refused_and_nothing_is_left(
    storage: Storage, root: Path
) -> None:
    (root / "out" / "folder").mkdir()
    with pytest.raises(SinkUnwritable):
        storage.write(str(root / "out" / "folder"), [b"x"], TOKEN)
    assert files(root / "out") == []


@pytest.mark.parametrize("folders_remembered", [False, True])
@pytest.mark.parametrize("name", ["pipe", "link"])
def test_an_output_that_is_no_plain_file_is_left_as_it_is(
    storage: Storage, root: Path, name: str, folders_remembered: bool
) -> None:
    os.mkfifo(root / "out" / "pipe")
    (root / "out" / "link").symlink_to("pipe")
    remembered = storage.remembering_folders() if folders_remembered else nullcontext()
    with remembered, pytest.raises(SinkUnwritable, match="not a plain file"):
        storage.write(str(root / "out" / name), [b"x"], TOKEN)
    assert (root / "out" / "pipe").is_fifo()


def test_a_file_in_the_place_of_a_folder_is_unwritable(storage: Storage, root: Path) -> None:
    (root / "out" / "file").write_bytes(b"old")
    with pytest.raises(SinkUnwritable):
        storage.write(str(root / "out" / "file" / "a" / "b.txt"), [b"x"], TOKEN)
    assert files(root / "out") == ["file"]
    assert (root / "out" / "file").read_bytes() == b"old"


_WRITE_WITH_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from service.storage import SinkUnwritable, Storage
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Storage([], [Path(sys.argv[1]).parent], 0).write(sys.argv[1], [b"x" * 5000], "token")
except SinkUnwritable as error:
    sys.exit(str(error))
"""


def test_a_write_that_fails_half_way_leaves_the_old_file(root: Path) -> None:
    target = root / "out" / "a.txt"
    target.write_bytes(b"old")
    command = [sys.executable, "-c", _WRITE_WITH_A_FULL_DISK, str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "cannot be written" in done.stderr
    assert files(root / "out") == ["a.txt"]
    assert target.read_bytes() == b"old"


def test_a_reader_never_sees_a_part_of_a_file(root: Path) -> None:
    storage = Storage([root], [root / "out"], MAX_BYTES)
    path = str(root / "out" / "a.bin")
    contents = {bytes([value]) * (2 << 20) for value in (1, 2)}
    storage.write(path, [next(iter(contents))], TOKEN)
    seen: list[bool] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(storage.read(path) in contents)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(25):
        for content in contents:
            storage.write(path, [content], TOKEN)
    ended.set()
    reader.join()
    assert len(seen) > 5
    assert all(seen)


def test_an_output_may_be_its_input(root: Path) -> None:
    storage = Storage([root / "out"], [root / "out"], MAX_BYTES)
    path = str(root / "out" / "a.txt")
    storage.write(path, [b"old"], TOKEN)
    storage.write(path, [storage.read(path) + b" and new"], TOKEN)
    assert storage.read(path) == b"old and new"


# ------------------------------------------------------------------------------ killed workers


def test_what_a_killed_worker_left_is_removed_and_nothing_else(
    storage: Storage, root: Path
) -> None:
    for name in (f".{TOKEN}.part", ".other.part", "a.txt"):
        (root / "out" / name).write_bytes(b"x")
    storage.discard_partials(str(root / "out" / "a.txt"), TOKEN)
    assert files(root / "out") == [".other.part", "a.txt"]


@pytest.mark.parametrize(
    "path",
    ["out/none/a.txt", "out/file/a.txt", "../a.txt", "", "out/" + DEEP],
    ids=["no folder", "a file for a folder", "outside", "no path", "too long"],
)
def test_where_nothing_can_be_left_there_is_nothing_to_remove(
    relative: Storage, root: Path, path: str
) -> None:
    (root / "out" / "file").write_bytes(b"x")
    relative.discard_partials(path, TOKEN)
    assert files(root / "out") == ["file"]


def test_a_root_inside_a_tree_of_the_kernel_is_meant(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        storage = Storage([Path(folder)], [Path(folder)], 1000)
        storage.write(f"{folder}/a.bin", [b"kept"], "token")
        assert storage.read(f"{folder}/a.bin") == b"kept"


def test_results_written_before_one_that_fails_are_removed(tmp_path: Path) -> None:
    storage = Storage([tmp_path], [tmp_path], 1000)
    (tmp_path / "a_3.bin").mkdir()
    with pytest.raises(SinkUnwritable):
        storage.write(f"{tmp_path}/a.bin", [b"1", b"2", b"3", b"4"], "token")
    assert [path.name for path in tmp_path.iterdir()] == ["a_3.bin"]


@pytest.mark.parametrize("path", ["n/" * 1000 + "a.png", "\ud800.png"], ids=["deep", "surrogate"])
def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path, path: str) -> None:
    storage = Storage([tmp_path], [tmp_path], 1000)
    with pytest.raises(PathRefused):
        storage.read(f"{tmp_path}/{path}")
    with pytest.raises(PathRefused):
        storage.write(f"{tmp_path}/{path}", [b"1"], "token")
