"""`python main.py send`: what is sent, and what is shown, against a real server."""

import os
import pty
import subprocess
from pathlib import Path

import cv2
import pytest
from websockets.sync.server import ServerConnection

from tests.live import environment
from tests.samples import photograph
from tests.service.commands import MAIN, PATIENCE
from tests.service.streaming import (
    Acknowledging,
    StreamServer,
    agree,
    fail,
    images,
    names_of,
    send,
)
from tests.service.streaming import ack as acknowledge


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five images at three depths, beside what is none."""
    found = tmp_path_factory.mktemp("images")
    (found / "a/b").mkdir(parents=True)
    for at, name in enumerate(["z.png", "a/1.jpg", "a/2.JPEG", "a/b/3.webp"]):
        assert cv2.imwrite(str(found / name), photograph(32, 24, seed=at))
    (found / "no_extension").write_bytes(
        cv2.imencode(".png", photograph(32, 24, seed=9))[1].tobytes()
    )
    (found / "notes.txt").write_text("no image")
    (found / ".hidden.png").write_bytes(b"hidden")
    (found / "link.png").symlink_to(found / "z.png")
    return found


NAMES = ["a/1.jpg", "a/2.JPEG", "a/b/3.webp", "no_extension", "z.png"]


def test_images_at_any_depth_are_sent_in_order_and_acknowledged(folder: Path) -> None:
    talk = Acknowledging()
    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 0, done.stderr
    assert names_of(talk.images, folder) == NAMES
    assert server.closed == [1000]


def test_each_acknowledgement_is_shown_with_its_latency_and_all_are_summed_up(folder: Path) -> None:
    with StreamServer(Acknowledging()) as server:
        lines = send(folder, server.url).stderr.splitlines()
    assert lines[0].startswith("a/1.jpg: 8x6, ")
    assert " bytes, 1.5 ms in the server, answered in " in lines[0]
    assert len(lines) == 6
    assert lines[5].startswith("5 images in ")
    assert "images/s): 5 acknowledged, 0 failed; latency: median " in lines[5]
    assert " ms, 95th percentile " in lines[5]


def test_the_first_message_says_what_is_to_be_done(folder: Path) -> None:
    talk = Acknowledging()
    with StreamServer(talk) as server:
        options = ("--operation", "resize=0.5", "--operation", "flip", "--format", "webp")
        send(folder, server.url, *options, "--quality", "70")
        send(folder, server.url, "--recipe", "thumb")
    encode = {"format": "webp", "quality": 70}
    assert talk.settings == [
        {"operations": ["resize=0.5", "flip"], "encode": encode, "reply": "ack"},
        {"recipe": "thumb", "encode": {}, "reply": "ack"},
    ]


def test_an_image_that_fails_is_named_and_the_others_go_on(folder: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        agree(connection)
        for index, image in enumerate(images(connection)):
            if index == 1:
                fail(connection, index, "the image is cut \x1b[31m")
            else:
                acknowledge(connection, index, image)

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 1
    assert r"a/2.JPEG: failed: the image is cut \x1b[31m" in done.stderr
    assert ": 4 acknowledged, 1 failed; " in done.stderr


def test_wrong_operations_are_explained_by_their_pointer(folder: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.recv()
        fail(connection, None, "there is no operation 'blurr'", "/operations/0")
        assert list(connection) == []

    with StreamServer(talk) as server:
        done = send(folder, server.url, "--operation", "blurr")
    assert done.exit_code == 2
    assert done.stderr == "Wrong\n  /operations/0: there is no operation 'blurr'\n"


def test_an_image_that_cannot_be_read_fails_alone(folder: Path, tmp_path: Path) -> None:
    talk = Acknowledging()
    (tmp_path / "a.png").write_bytes(b"one")
    (tmp_path / "b.png").write_bytes(b"two")

    def removing(connection: ServerConnection) -> None:
        (tmp_path / "b.png").unlink()  # found, and gone before it is read
        talk(connection)

    with StreamServer(removing) as server:
        done = send(tmp_path, server.url)
    assert done.exit_code == 1
    assert "b.png: failed: cannot be read: No such file or directory" in done.stderr
    assert talk.images == [b"one"]


def test_in_text_each_image_is_base64_and_any_answer_will_do(folder: Path) -> None:
    found: list[bytes] = []

    def talk(connection: ServerConnection) -> None:
        for image in images(connection):
            found.append(image)
            connection.send("Imagen recibida")

    with StreamServer(talk) as server:
        done = send(folder, server.url, "--text")
    assert done.exit_code == 0, done.stderr
    assert names_of(found, folder) == NAMES
    assert done.stderr.startswith("a/1.jpg: Imagen recibida, answered in ")


def test_shuffled_images_are_all_sent(tmp_path: Path) -> None:
    for at in range(40):
        (tmp_path / f"{at:02}.png").write_text(str(at))
    talk = Acknowledging()
    with StreamServer(talk) as server:
        send(tmp_path, server.url, "--shuffle")
    names = names_of(talk.images, tmp_path)
    assert names != sorted(names)
    assert sorted(names) == [f"{at:02}.png" for at in range(40)]


def test_a_rate_is_not_exceeded(folder: Path) -> None:
    with StreamServer(Acknowledging()) as server:
        done = send(folder, server.url, "--rate", "20", "--quiet")
    seconds = float(done.stderr.partition(" in ")[2].partition(" s ")[0])
    assert seconds >= 0.2  # four pauses between five images


def test_quiet_leaves_the_summary(folder: Path) -> None:
    with StreamServer(Acknowledging()) as server:
        done = send(folder, server.url, "--quiet")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("5 images in ")


def test_the_log_file_has_what_is_shown_also_what_quiet_hides(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs/logging_file.log"
    with StreamServer(Acknowledging()) as server:
        send(folder, server.url, "--log-file", str(log), "--quiet")
        send(folder, server.url, "--log-file", str(log))
    lines = log.read_text().splitlines()
    assert len(lines) == 12
    assert " INFO  darkroom.send a/1.jpg: 8x6, " in lines[0]
    assert " INFO  darkroom.send 5 images in " in lines[11]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--text", "--operation", "flip"), "--text is for servers that only take images"),
        (("--text", "--save", "out"), "--text is for servers that only take images"),
        (("--operation", "flip", "--recipe", "thumb"), "give --operation or --recipe"),
        (("--rate", "0"), "--rate 0.0: give a number of images a second, above 0"),
        (("--rate", "nan"), "--rate nan: give a number"),
        (("--api-key", "schlüssel"), "characters that no header can have"),
        (("--url", "http://127.0.0.1"), "write it as ws://localhost:8888/v1/stream"),
        (("--url", "ws://127.0.0.1:1/"), "ws://127.0.0.1:1/ cannot be reached: "),
        (("--log-file", "/proc/no/log"), "--log-file /proc/no/log: cannot be written"),
        (("--save", "/proc/no"), "--save /proc/no: cannot be made"),
    ],
)
def test_wrong_options_are_explained(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = send(folder, "ws://127.0.0.1:1", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    done = send(tmp_path, "ws://127.0.0.1:1")
    assert (done.exit_code, done.stderr) == (2, f"there is no image below {tmp_path}\n")


def test_a_missing_folder_is_answered_by_the_command_that_fetches_one(tmp_path: Path) -> None:
    done = send(tmp_path / "none", "ws://127.0.0.1:1")
    assert done.exit_code == 2
    assert f"`python main.py dataset --output {tmp_path}/none` fetches one" in done.stderr


@pytest.mark.parametrize(("reply", "fetched"), [("y", True), ("n", False)])
def test_on_a_terminal_a_missing_folder_can_be_fetched(
    tmp_path: Path, reply: str, fetched: bool
) -> None:
    ours, theirs = pty.openpty()
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "TERM": "xterm"}
    with subprocess.Popen(
        [*MAIN, "send", "none"],
        cwd=tmp_path,
        env=environment() | nowhere,
        stdin=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = _until(ours, "?")
        os.write(ours, f"{reply}\n".encode())
        shown += _until(ours, None)
        assert process.wait(PATIENCE) == 2
    os.close(ours)
    assert "There is no folder none. Fetch sample images into it" in shown
    assert ("cifar-10-python.tar.gz cannot be reached" in shown) == fetched


def _until(terminal: int, text: str | None) -> str:
    """What a terminal shows until there is `text`, or until its other end is closed."""
    shown = b""
    while text is None or text.encode() not in shown:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: how Linux says that the other end is closed
            break
        shown += data
    return " ".join(shown.decode().split())
