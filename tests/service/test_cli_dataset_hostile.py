"""Archives and pickles that are made to do harm."""

import gzip
import io
import os
import pickle
import resource
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.cli.datasets import archive as archives
from service.cli.datasets.archive import MAX_MEMBER, MAX_UNPACKED, files_of
from service.cli.datasets.batches import batch_of, labels_of
from service.cli.datasets.errors import ArchiveRefused
from tests.service.cifar import archive, batch, member, packed, pixels

MIB = 2**20


def read_all(path: Path, limit: int = MAX_UNPACKED) -> int:
    """Read every file of an archive, and give their bytes together."""
    return sum(len(file.read()) for _, file in files_of(path, limit))


def refusal(content: bytes, folder: Path) -> str:
    """Why an archive is refused when all its files are read."""
    path = folder / "hostile.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ArchiveRefused) as found:
        read_all(path)
    assert [item.name for item in folder.iterdir()] == ["hostile.tar.gz"]
    return str(found.value)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../up"), "'../up', a path that leads out of it"),
        (member("a/../../up"), "'a/../../up', a path that leads out of it"),
        (member("..\\up"), "a path that leads out of it"),
        (member("/abs"), "'/abs', a path that leads out of it"),
        (member("c:/abs"), "'c:/abs', a path that leads out of it"),
        (member("data_batch_2", tarfile.SYMTYPE, "/etc/passwd"), "which is a symbolic link"),
        (member("data_batch_2", tarfile.LNKTYPE, "batches.meta"), "which is a hard link"),
        (member("null", tarfile.CHRTYPE), "which is a device"),
        (member("sda", tarfile.BLKTYPE), "which is a device"),
        (member("pipe", tarfile.FIFOTYPE), "which is a named pipe"),
    ],
    ids=lambda item: item.name if isinstance(item, tarfile.TarInfo) else "",
)
def test_a_member_that_is_no_plain_file_below_the_archive_is_refused(
    info: tarfile.TarInfo, message: str, tmp_path: Path
) -> None:
    assert message in refusal(archive((info, b"")), tmp_path)


def header(name: str, size: int, type: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, type
    return info.tobuf(tarfile.GNU_FORMAT)


def test_a_bomb_is_stopped_where_it_gets_too_large(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", 1) as file:
        file.write(header("big", 64 * MIB))
        for _ in range(64):
            file.write(bytes(MIB))
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(bomb.getvalue())
    with pytest.raises(ArchiveRefused, match="unpacks to more than 8388608 bytes"):
        read_all(path, limit=8 * MIB)
    assert read_all(path) == 64 * MIB


def test_a_file_larger_than_memory_should_hold_is_refused_unread(tmp_path: Path) -> None:
    message = refusal(packed(header("big", MAX_MEMBER + 1)), tmp_path)
    assert message == f"'big' has {MAX_MEMBER + 1} bytes, the limit is {MAX_MEMBER}"


@pytest.mark.parametrize("type", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(type: bytes, tmp_path: Path) -> None:
    message = refusal(packed(header("long", 2**33, type)), tmp_path)
    assert "a header in it has 8589934592 bytes" in message


def test_a_file_of_negative_length_is_refused(tmp_path: Path) -> None:
    plain = bytearray(header("back", 0))
    plain[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)  # base 256, as GNU tar writes it
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain[:512])
    assert "'back' has -1024 bytes" in refusal(packed(bytes(plain) * 3), tmp_path)


def test_headers_inside_headers_without_end_are_refused(tmp_path: Path) -> None:
    message = refusal(packed(header("a", 0, tarfile.GNUTYPE_LONGNAME) * 5000), tmp_path)
    assert "damaged" in message


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = member("sparse")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.size": str(2**40)}
    info.pax_headers["GNU.sparse.map"] = f"{2**40},0"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    assert "which is no plain file" in refusal(held.getvalue(), tmp_path)


def test_more_members_than_a_dataset_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MAX_MEMBERS", 5)
    many = b"".join(header(f"f{at}", 0) for at in range(6))
    assert refusal(packed(many), tmp_path) == "the archive has more than 5 members"


@pytest.mark.parametrize("cut", [20, 2000, -4])
def test_an_archive_that_is_cut_off_is_refused(cut: int, tmp_path: Path) -> None:
    assert "damaged" in refusal(archive()[:cut], tmp_path)


NO_TAR = gzip.compress(b"no tar" * 99, mtime=0)


@pytest.mark.parametrize(
    "content", [b"", b"<html>not here</html>", NO_TAR], ids=["empty", "page", "no tar"]
)
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "damaged" in refusal(content, tmp_path)


# --- pickles -------------------------------------------------------------------------------------


class Touch:
    """Makes a file when the standard loader reads it."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._canary),)


def refused(data: bytes) -> str:
    with pytest.raises(ArchiveRefused) as found:
        batch_of("data_batch_1", data, 3)
    return str(found.value)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_names_a_function_is_refused_and_calls_nothing(
    protocol: int, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    hostile = pickle.dumps(batch(filenames=[Touch(canary)]), protocol)
    assert "the pickle names 'posix mkdir'" in refused(hostile) or protocol == 5
    assert not canary.exists()
    pickle.loads(hostile)
    assert canary.exists()  # it would have, had it been loaded


@pytest.mark.parametrize(
    "name", ["builtins eval", "numpy load", "numpy.core.multiarray fromfile", "_codecs decode"]
)
def test_other_names_also_of_numpy_are_refused(name: str) -> None:
    module, _, function = name.partition(" ")
    data = b"c%s\n%s\n)R." % (module.encode(), function.encode())
    assert f"the pickle names {name!r}" in refused(data)


def of_array(shape: bytes, raw: bytes, dtype: bytes = b"U\x02u1K\x00K\x01\x87") -> bytes:
    """A batch whose array says of itself what it likes."""
    return (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        b"U\x01b\x87R(K\x01" + shape + b"cnumpy\ndtype\n" + dtype + b"R(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + raw + b"tbU\x06labels]u."
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (of_array(b"J\xff\xff\xff\x7fM\x00\x0c\x86", b"U\x01x"), "more or fewer numbers"),
        (of_array(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86", b"U\x01x"), "a wrong shape"),
        (of_array(b"(" + b"K\x01" * 64 + b"t", b"U\x01x"), "a wrong shape"),
        (of_array(b"K\x01\x85", b"U\x08AAAAAAAA", b"U\x02O8K\x00K\x01\x87"), "is of 'O8', not"),
        (of_array(b"K\x01\x85", b"]U\x01xa"), "an array has no numbers"),
        (of_array(b"K\x01\x85", b"N"), "an array has no numbers"),
        (of_array(b"K\x01\x85", b"U\x01x"), "data is uint8 of (1,) with 0 labels"),
    ],
)
def test_an_array_that_lies_about_itself_is_refused(data: bytes, message: str) -> None:
    assert message in refused(data)


def test_a_few_bytes_do_not_take_a_gigabyte() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in (
        b"Nr\xff\xff\xff\x0f.",  # a place far up in the memo
        b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
        b"T\xff\xff\xff\x7f.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    ):
        assert refused(data).startswith("data_batch_1: ")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize(
    "data", [b"", b".", b"N", b"}(K\x01K\x02", b"(" * 5000 + b".", b"]q\x00h\x00a."]
)
def test_what_is_no_batch_is_refused(data: bytes) -> None:
    assert refused(data).startswith("data_batch_1: ")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": [0] * 5}, "uint8 of (6, 3072) with 5 labels; expected is"),
        ({"labels": [0, 1, 2, 3, 0, 0]}, "a label is none of the 3 classes"),
        ({"labels": [0, 1, -1, 0, 0, 0]}, "a label is none of the 3 classes"),
        ({"labels": ["a"] * 6}, "there is no whole number where one should be"),
        ({"labels": None}, "there is no array of numbers"),
        ({"data": pixels(6).astype(np.uint16)}, "data is uint16"),
        ({"data": pixels(6)[:, :99]}, "data is uint8 of (6, 99)"),
        ({"data": np.zeros((6, 3072))}, "is of 'f8', not of whole numbers"),
        ({"data": b"x" * 99}, "there is no array of numbers"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(changed: dict[str, Any], message: str) -> None:
    assert message in refused(pickle.dumps(batch(**changed), 2))


@pytest.mark.parametrize("found", [[], [b"a"] * 1001, None, b"cat"])
def test_names_of_classes_that_are_none_are_refused(found: Any) -> None:
    with pytest.raises(ArchiveRefused, match=r"batches\.meta: there are no label_names"):
        labels_of("batches.meta", pickle.dumps({b"label_names": found}, 2))
