"""`python main.py dataset`: archives from a server of this machine become folders of images."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from service.cli.main import app as commands
from tests.service.cifar import SAVED, Shop, archive, batch, fetch, files, pixels, sha256


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def good() -> bytes:
    return archive()


def test_each_class_gets_a_folder_of_its_images_and_the_archive_is_gone(
    good: bytes, tmp_path: Path
) -> None:
    with Shop(good) as shop:
        done = fetch(shop.url, tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path / "out") == SAVED
    assert f"{tmp_path}/out/cat: 2 images\n" in done.stderr


def test_the_pixels_are_those_of_the_batch(good: bytes, tmp_path: Path) -> None:
    with Shop(good) as shop:
        fetch(shop.url, tmp_path)
    image = cv2.imread(str(tmp_path / "dog/dog_s_000001.png"))
    assert image is not None
    red, green, blue = pixels(6)[1].reshape(3, 32, 32)
    assert np.array_equal(image, np.dstack([blue, green, red]))


def test_only_the_classes_that_are_wanted_are_saved(good: bytes, tmp_path: Path) -> None:
    with Shop(good) as shop:
        done = fetch(shop.url, tmp_path, "--classes", "cat, ship")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat", "ship"]


def test_a_class_that_is_not_there_is_answered_by_those_that_are(
    good: bytes, tmp_path: Path
) -> None:
    with Shop(good) as shop:
        done = fetch(shop.url, tmp_path, "--classes", "cat,cow")
    assert done.exit_code == 2
    assert done.stderr == "--classes: there is no cow; there are cat, dog, ship\n"
    assert files(tmp_path) == []


def test_an_archive_that_is_kept_is_not_downloaded_again(good: bytes, tmp_path: Path) -> None:
    with Shop(good) as shop:
        arguments = ("--checksum", sha256(good), "--keep")
        first = fetch(shop.url, tmp_path, *arguments)
        second = fetch(shop.url, tmp_path, *arguments)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (tmp_path / "tiny.tar.gz").read_bytes() == good
    assert len(shop.asked) == 1


def test_a_good_archive_stays_for_the_next_try_where_a_class_was_misspelt(
    good: bytes, tmp_path: Path
) -> None:
    with Shop(good) as shop:
        wrong = fetch(shop.url, tmp_path, "--checksum", sha256(good), "--classes", "cats")
        right = fetch(shop.url, tmp_path, "--checksum", sha256(good), "--classes", "cat")
    assert (wrong.exit_code, right.exit_code) == (2, 0)
    assert len(shop.asked) == 1
    assert files(tmp_path) == ["cat/cat_s_000000.png", "cat/cat_s_000003.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "ftp://127.0.0.1/a.tar.gz"), "only http:// and https:// are fetched"),
        (("--url", "file:///etc/passwd"), "only http:// and https:// are fetched"),
        (("--url", "http://127.0.0.1:1/a.tar.gz"), "a.tar.gz cannot be reached: "),
        (("--checksum", "crc:12"), "write md5: with 32 or sha256: with 64 hexadecimal digits"),
        (("--checksum", "md5:12"), "write md5: with 32 or sha256: with 64 hexadecimal digits"),
    ],
)
def test_a_wrong_option_is_explained(
    arguments: tuple[str, str], message: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(commands, ["dataset", "--output", str(tmp_path), *arguments])
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_pickles_of_all_usual_protocols_are_read(tmp_path: Path, protocol: int) -> None:
    scalars = [np.int64(label) for label in batch()[b"labels"]]
    content = pickle.dumps(batch(labels=scalars), protocol)
    with Shop(archive(batches={"test_batch": content})) as shop:
        done = fetch(shop.url, tmp_path)
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path) == SAVED


PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
    b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01"
    b"\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x0c\x00\x00"
    + bytes(range(256)) * 12
    + b"tbU\x06labelsq\x08]q\x09K\x02aU\tfilenamesq\n]q\x0bU\nship_1.pngau."
)


def test_a_batch_as_python_2_wrote_it_is_read(tmp_path: Path) -> None:
    with Shop(archive(batches={"data_batch_1": PYTHON_2})) as shop:
        done = fetch(shop.url, tmp_path)
    assert done.exit_code == 0, done.stderr
    image = cv2.imread(str(tmp_path / "ship/ship_1.png"))
    assert image is not None
    assert image[0, 1].tolist() == [1, 1, 1]


def test_labels_and_names_that_lead_out_of_the_folder_do_not(tmp_path: Path) -> None:
    names = [b"../../up.png", b"/etc/x.png", b"", b"..", b"a\0b.png", b"same.png"]
    content = pickle.dumps(batch(filenames=names), 2)
    labels = ["../x", "/abs", "../x"]
    with Shop(archive(batches={"data_batch_1": content}, labels=labels)) as shop:
        done = fetch(shop.url, tmp_path / "deep/out")
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path) == [
        "deep/out/_abs/data_batch_1_00004.png",
        "deep/out/_abs/x.png",
        "deep/out/_x/data_batch_1_00003.png",
        "deep/out/_x/up.png",
        "deep/out/_x_2/data_batch_1_00002.png",
        "deep/out/_x_2/same.png",
    ]


def test_two_images_of_one_name_are_both_saved(tmp_path: Path) -> None:
    content = pickle.dumps(batch(filenames=[b"same.png"] * 6), 2)
    with Shop(archive(batches={"data_batch_1": content})) as shop:
        fetch(shop.url, tmp_path, "--classes", "cat")
    assert files(tmp_path) == ["cat/data_batch_1_00003.png", "cat/same.png"]
