"""Bytes that go to a worker and back through memory."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.storage import SinkUnwritable, SourceUnreadable, Storage
from service.transfer import (
    FileSink,
    FileSource,
    MemoryFile,
    MemorySink,
    MemorySource,
    Result,
)
from tests.live import ROOT

NOWHERE = Storage([], [], 0)


def run_python(code: str, *arguments: str) -> bytes:
    """What another process of the same user prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def test_what_is_appended_is_read_at_any_offset() -> None:
    with MemoryFile() as file:
        file.write(b"hello ")
        file.write(b"world")
        assert file.read(0, 11) == b"hello world"
        assert file.read(6, 3) == b"wor"


def test_more_than_a_pipe_holds_goes_through() -> None:
    data = bytes(range(256)) * 40_000
    with MemoryFile() as file:
        file.write(data)
        assert file.read(0, len(data)) == data


def test_another_process_reads_it_by_its_path() -> None:
    with MemoryFile() as file:
        file.write(b"bytes of an image")
        code = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
        assert run_python(code, file.path) == b"bytes of an image"


def test_another_process_writes_its_results_into_it() -> None:
    code = (
        "import sys; from service.storage import Storage;"
        "from service.transfer import MemorySink, Result; results = [b'first', b'second'];"
        "sink = MemorySink(sys.argv[1]);"
        "sink.write(Storage([], [], 0), [Result(data) for data in results], 'token')"
    )
    with MemoryFile() as file:
        run_python(code, file.path)
        assert file.read(0, 5) == b"first"
        assert file.read(5, 6) == b"second"


def test_a_sink_gives_one_path_a_result() -> None:
    with MemoryFile() as file:
        results = [Result(b"a"), Result(b"b")]
        assert MemorySink(file.path).write(NOWHERE, results, "token") == ["", ""]


def test_a_source_gives_all_bytes_each_time() -> None:
    with MemoryFile() as file:
        file.write(b"all")
        source = MemorySource(file.path)
        assert [source.read(NOWHERE), source.read(NOWHERE)] == [b"all", b"all"]


def test_a_result_that_is_written_again_takes_the_place_of_the_first() -> None:
    with MemoryFile() as file:
        for _ in range(2):
            MemorySink(file.path).write(NOWHERE, [Result(b"result")], "token")
        assert file.read(0, 100) == b"result"


def test_nothing_is_there_after_it_was_closed() -> None:
    with MemoryFile() as file:
        path = Path(file.path)
        assert path.exists()
    assert not path.exists()


def test_using_what_was_closed_is_an_error_of_the_storage() -> None:
    with MemoryFile() as file:
        path = file.path
    with pytest.raises(SourceUnreadable):
        MemorySource(path).read(NOWHERE)
    with pytest.raises(SinkUnwritable):
        MemorySink(path).write(NOWHERE, [Result(b"late")], "token")


def test_an_error_inside_closes_it() -> None:
    with pytest.raises(ZeroDivisionError), MemoryFile() as file:
        raise ZeroDivisionError
    assert not Path(file.path).exists()


_HOLD = """
import time
from service.transfer import MemoryFile
file = MemoryFile()
file.write(b"x" * 1000)
print(file.path, flush=True)
time.sleep(600)
"""


def test_nothing_is_there_after_its_process_was_killed() -> None:
    command = [sys.executable, "-c", _HOLD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert path.read_bytes() == b"x" * 1000
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not path.exists()


def test_files_are_read_and_written_below_the_roots(tmp_path: Path) -> None:
    storage = Storage([tmp_path], [tmp_path], 100)
    path = str(tmp_path / "a.txt")
    assert FileSink(path).write(storage, [Result(b"bytes")], "token") == [path]
    assert FileSource(path).read(storage) == b"bytes"
    assert FileSink(path).names == (path,)
