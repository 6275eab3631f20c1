"""`ingest` over the framed protocol: the real command against servers that a test makes."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli.ingesting import link
from service.cli.main import app as commands
from tests.live import environment
from tests.service.commands import MAIN, PATIENCE
from tests.service.ingesting import (
    NAMES,
    PROBLEM,
    Framed,
    Handler,
    Listener,
    a_byte_at_a_time,
    ingest,
    make_folder,
    message,
    received,
)

READY = message({"type": "ready", "connection": "c0ffee", "limits": {}})
SUMMARY = message({"type": "summary", "inserted": 0, "existing": 0, "failed": 0})
ERROR = message({"type": "error", "problem": PROBLEM})
RUN_AGAIN = "run it again: what is there is left alone; see connection c0ffee in the server's log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "cats")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SILENT_SECONDS", 0.5)


def result(name: str, status: str = "inserted") -> bytes:
    return message({"type": "result", "name": name, "status": status, "error": None})


def saying(*answers: bytes, images: int = 0, stays: bool = False) -> Handler:
    """Reads the greeting and so many images, says it all, and closes, or `stays` till the end."""

    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            file.read(5)
            received(file)
            connection.sendall(READY)
            for _ in range(images):
                received(file)
            connection.sendall(b"".join(answers))
            if stays or not answers:
                file.read()

    return handler


def greeted_with(data: bytes) -> Handler:
    """Says this whatever it hears."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        read_to_the_end(connection)

    return handler


def read_to_the_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_the_files_arrive_as_they_are(folder: Path) -> None:
    server = Framed()
    with Listener(server) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert server.stored == {name: (folder / name).read_bytes() for name in NAMES}
    assert server.hellos == [{"type": "hello", "collection": "cats"}]
    assert re.fullmatch(
        r"3 images in \d\.\d s \([\d.]+ images/s\): 3 inserted, 0 existing, 0 failed\n", done.stderr
    )
    assert done.stdout == ""


def test_a_folder_that_is_sent_again_is_there(folder: Path) -> None:
    with Listener(Framed()) as listener:
        ingest(listener.port, folder)
        again = ingest(listener.port, folder)
    assert again.exit_code == 0
    assert "0 inserted, 3 existing, 0 failed" in again.stderr


def test_an_image_that_fails_is_told_with_its_reason(folder: Path) -> None:
    server = Framed(refused=frozenset(["b.png"]))
    with Listener(server) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert re.search(r"\b1 +b\.png +it is blue\b", done.stderr)
    assert "2 inserted, 0 existing, 1 failed" in done.stderr
    assert server.stored.keys() == {"a.jpg", "c.webp"}


def test_json_says_what_became_of_each_image(folder: Path) -> None:
    server = Framed(refused=frozenset(["b.png"]), stored={"c.webp": b""})
    with Listener(server) as listener:
        done = ingest(listener.port, folder, "--json", "--quiet")
    assert json.loads(done.stdout) == {
        "collection": "cats",
        "inserted": ["a.jpg"],
        "existing": ["c.webp"],
        "received": [],
        "failed": [{"name": "b.png", "error": {**PROBLEM, "errors": []}}],
        "unanswered": 0,
    }
    assert done.stderr.count("\n") == 1


def test_answers_may_come_byte_by_byte(folder: Path) -> None:
    with Listener(Framed(send=a_byte_at_a_time)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert "3 inserted" in done.stderr


def test_answers_may_come_joined(folder: Path) -> None:
    answers = [result(name) for name in NAMES]
    with Listener(saying(*answers, SUMMARY, images=4)) as listener:  # the fourth is the end
        done = ingest(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert "3 inserted" in done.stderr


def test_images_are_sent_ahead_of_their_answers_up_to_a_window(tmp_path: Path) -> None:
    names = tuple(f"{number:03}.png" for number in range(65))
    ahead: list[int] = []

    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            file.read(5)
            received(file)
            connection.sendall(READY)
            for _ in range(64):
                received(file)
            connection.settimeout(0.1)
            try:
                ahead.append(len(file.read(1)))
            except TimeoutError:
                ahead.append(0)

    with Listener(handler) as listener:
        ingest(listener.port, make_folder(tmp_path / "many", names))
    assert ahead == [0]


def test_a_folder_over_the_limit_of_a_connection_takes_several(folder: Path) -> None:
    server = Framed(limits={"images": 2, "connections": 20})
    with Listener(server) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert len(server.hellos) == 2
    assert server.stored.keys() == set(NAMES)


def test_a_file_over_the_limit_is_not_sent(folder: Path) -> None:
    (folder / "b.png").write_bytes(bytes(5000))
    server = Framed(limits={"image_bytes": 4999})
    with Listener(server) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert "the file has more than the 4999 bytes that the server takes" in done.stderr
    assert server.stored.keys() == {"a.jpg", "c.webp"}


def test_a_file_whose_name_is_no_text_is_not_sent(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    with Listener(Framed()) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert "\\udcff.jpg" in done.stderr
    assert "3 inserted, 0 existing, 1 failed" in done.stderr


def test_images_are_told_by_extension_or_by_first_bytes(folder: Path) -> None:
    (folder / "a.jpg").rename(folder / "photograph")
    (folder / "damaged.TIFF").write_bytes(b"")
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes((folder / "b.png").read_bytes())
    make_folder(folder / "below")
    server = Framed()
    with Listener(server) as listener:
        done = ingest(listener.port, folder)
    assert server.stored.keys() == {"photograph", "b.png", "c.webp", "damaged.TIFF"}
    assert done.stderr.startswith("left out: 1 x subfolder, 1 x file that is no image\n")


@pytest.mark.parametrize(("arguments", "name"), [((), "cats"), (("--collection", "dogs"), "dogs")])
def test_the_collection_has_the_folders_name_or_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], name: str
) -> None:
    monkeypatch.chdir(folder)
    server = Framed()
    with Listener(server) as listener:
        ingest(listener.port, Path(), *arguments)
    assert server.hellos[0]["collection"] == name


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [(("--api-key", "secret"), {}), ((), {"DARKROOM_API_KEY": "secret"})],
)
def test_a_key_comes_from_an_option_or_the_environment(
    folder: Path, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    server = Framed()
    with Listener(server) as listener:
        ingest(listener.port, folder, *arguments, **variables)
    assert server.hellos[0]["api_key"] == "secret"


# --- servers that end early --------------------------------------------------------------------


def test_a_server_that_closes_in_the_middle(folder: Path) -> None:
    with Listener(saying(result("a.jpg"), images=1)) as listener:
        done = ingest(listener.port, folder, "--json")
    assert done.exit_code == 1
    lost, how_far, _ = done.stderr.splitlines()
    assert lost == "the server closed the connection"
    assert how_far == f"1 of 3 images were acknowledged and are stored; {RUN_AGAIN}"
    answer = json.loads(done.stdout)
    assert (answer["inserted"], answer["unanswered"]) == (["a.jpg"], 2)


def test_a_server_that_says_why_it_ends(folder: Path) -> None:
    with Listener(saying(result("a.jpg"), ERROR, images=1)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert done.stderr.startswith("Not wanted\n  it is blue\n1 of 3 images")


def test_what_a_server_says_is_read_though_it_reads_no_more(tmp_path: Path) -> None:
    """It closes with megabytes unread, which resets the connection."""
    folder = make_folder(tmp_path / "large", ("a.png",))
    (folder / "a.png").write_bytes(bytes(8_000_000))
    with Listener(saying(ERROR)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert "Not wanted\n  it is blue" in done.stderr


def test_a_server_that_falls_silent_is_given_up(folder: Path, impatient: None) -> None:
    with Listener(saying(result("a.jpg"), images=3, stays=True)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert done.stderr.startswith("the server has been silent for 0.5 s")
    assert "1 of 3 images were acknowledged" in done.stderr


def test_a_server_that_never_answers_is_given_up(folder: Path, impatient: None) -> None:
    with Listener(read_to_the_end) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 2
    assert done.stderr.startswith("the server has been silent for 0.5 s")


def test_a_server_that_refuses(folder: Path) -> None:
    with Listener(greeted_with(ERROR)) as listener:
        done = ingest(listener.port, folder, "--json")
    assert done.exit_code == 2
    assert done.stderr == "Not wanted\n  it is blue\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 100,
        message({"type": "ready"}),
        message({"type": "other"}),
        message({"type": "error", "problem": PROBLEM}, b"a body"),
        b"\0\0\0\2\0\0\0\0[]",
        b"\0\0\0\2\0\0\0\0\xff\xff",
        SUMMARY,
    ],
)
def test_a_server_of_something_else(folder: Path, said: bytes) -> None:
    with Listener(greeted_with(said)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 2
    assert done.stderr.startswith("the server ")
    assert done.stderr.endswith("\nit may speak the other protocol: see --protocol\n")
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize(
    "answer",
    [
        SUMMARY,
        READY,
        result("z.jpg"),
        result("a.jpg", "failed"),
        result("a.jpg", "eaten"),
        result("a.jpg") + result("a.jpg"),
    ],
)
def test_answers_out_of_order(folder: Path, answer: bytes) -> None:
    with Listener(saying(answer, images=1)) as listener:
        done = ingest(listener.port, folder)
    assert done.exit_code == 1
    assert "the server does not keep to the framed protocol\n" in done.stderr


def test_names_that_a_server_makes_up_do_not_reach_the_terminal(folder: Path) -> None:
    wild = {**PROBLEM, "detail": "\x1b[31mred\nline"}
    with Listener(greeted_with(message({"type": "error", "problem": wild}))) as listener:
        done = ingest(listener.port, folder)
    assert done.stderr == "Not wanted\n  \\x1b[31mred\\nline\n"


# --- wrong requests ----------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_no_server(folder: Path, closed_port: int) -> None:
    done = ingest(closed_port, folder)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"127.0.0.1 port {closed_port} cannot be reached: Connection ref")
    assert "DARKROOM_INGEST_PORT" in done.stderr


@pytest.mark.parametrize(
    ("name", "said"), [("missing", "No such file or directory"), ("empty", "has no images")]
)
def test_a_folder_with_nothing_to_send(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    done = ingest(1, tmp_path / name)
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_defaults_are_those_of_the_original_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    make_folder(tmp_path / "img_to_learn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("service.cli.ingesting.sending.run", lambda *all: asked.append(all))
    CliRunner().invoke(commands, ["ingest"], env=environment())
    target, folder, *_ = asked[0]
    assert (target.ip, target.port, folder) == ("127.0.0.1", 1234, "img_to_learn")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_says_how_far_it_was(folder: Path, interruptible: None) -> None:
    taken = threading.Event()

    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            file.read(5)
            received(file)
            connection.sendall(READY)
            received(file)
            connection.sendall(result("a.jpg"))
            received(file)
            received(file)
            received(file)  # the end, which comes when the rest is sent
            taken.set()
            file.read()

    with Listener(handler) as listener:
        command = [*MAIN, "ingest", "-p", str(listener.port), "-f", str(folder)]
        with subprocess.Popen(
            command, env=environment(), stderr=subprocess.PIPE, encoding="utf-8"
        ) as process:
            assert taken.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130
    assert said.startswith("stopped; ")
    assert "of 3 images were acknowledged and are stored" in said
