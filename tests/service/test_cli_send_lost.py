"""`python main.py send`: connections that are refused, lost, and opened again."""

import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from service.cli.sending.sender import WINDOW
from tests.live import environment
from tests.service.commands import MAIN, PATIENCE
from tests.service.streaming import (
    Acknowledging,
    StreamServer,
    ack,
    agree,
    images,
    names_of,
    send,
)

COUNT = 2 * WINDOW + 8


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.cli.sending.pace._FIRST_PAUSE", 0.005)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a process ignores, its children ignore: a background job has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are images by their names only: no server here looks at them."""
    found = tmp_path_factory.mktemp("many")
    for at in range(COUNT):
        (found / f"{at:02}.png").write_text(f"image {at:02}")
    return found


NAMES = [f"{at:02}.png" for at in range(COUNT)]


def test_what_was_not_acknowledged_is_sent_again(folder: Path) -> None:
    rounds: list[list[bytes]] = []

    def talk(connection: ServerConnection) -> None:
        agree(connection)
        rounds.append([])
        for index, image in enumerate(images(connection)):
            rounds[-1].append(image)
            if len(rounds) == 1 and index >= 5:
                if index == 9:
                    connection.socket.shutdown(2)  # five acknowledged, five not
                    return
                continue
            ack(connection, index, image)

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 0, done.stderr
    assert f": {COUNT} acknowledged, 0 failed; " in done.stderr
    assert names_of(rounds[0], folder) == NAMES[:10]
    assert names_of(rounds[1], folder) == NAMES[5:]


def test_images_that_are_not_answered_are_bounded(folder: Path) -> None:
    ahead: list[int] = []

    def talk(connection: ServerConnection) -> None:
        agree(connection)
        held: list[bytes | str] = []
        index = 0
        while True:
            try:
                held.append(connection.recv(timeout=0.1))
            except TimeoutError:  # the client waits for us
                ahead.append(len(held))
                for image in held:
                    ack(connection, index, bytes(image))  # type: ignore[arg-type]
                    index += 1
                held.clear()
            except ConnectionClosed:
                return

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 0, done.stderr
    assert sum(ahead) == COUNT
    assert max(ahead) <= WINDOW


def test_a_server_that_is_started_again_is_waited_for(folder: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        agree(connection)
        for index, image in enumerate(images(connection)):
            ack(connection, index, image)
            if index == 4:
                stopped.set()
                connection.close(1001)

    stopped = threading.Event()
    second = Acknowledging()
    with StreamServer(talk) as server:
        port = server.port
        command = [*MAIN, "send", str(folder), "--url", server.url]
        process = subprocess.Popen(
            command,
            env=environment() | {"NO_PROXY": "127.0.0.1"},
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert stopped.wait(PATIENCE)
    with process, StreamServer(second, port):
        message = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, message
    assert f": {COUNT} acknowledged, 0 failed; " in message


def test_a_message_over_the_limit_fails_its_image_alone_and_names_the_limit(tmp_path: Path) -> None:
    for at in range(6):
        (tmp_path / f"{at}.png").write_bytes(bytes([at]) * (5000 if at in (2, 4) else 50))
    talk = Acknowledging()
    with StreamServer(talk, max_size=1000) as server:
        done = send(tmp_path, server.url)
    assert done.exit_code == 1
    reason = "1009 (message too big) frame with 5000 bytes exceeds limit of 1000 bytes"
    assert f"2.png: failed: 5000 bytes are more than the server takes: {reason}" in done.stderr
    assert "4.png: failed: not sent: 5000 bytes were more than the server takes" in done.stderr
    assert len(server.closed) == 3  # with others, alone, and then the rest
    assert ": 4 acknowledged, 2 failed; " in done.stderr
    assert {image[0] for image in talk.images} == {0, 1, 3, 5}


def test_an_image_that_ends_every_connection_fails_alone(folder: Path) -> None:
    seen: Counter[bytes] = Counter()

    def talk(connection: ServerConnection) -> None:
        agree(connection)
        for index, image in enumerate(images(connection)):
            seen[image] += 1
            if image == b"image 07":
                connection.socket.shutdown(2)
                return
            ack(connection, index, image)

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 1
    assert "07.png: failed: the connection was lost 3 times while it was under way" in done.stderr
    assert f": {COUNT - 1} acknowledged, 1 failed; " in done.stderr
    assert seen[b"image 07"] <= 4


def test_a_server_that_was_there_and_is_busy_is_asked_again(folder: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        agree(connection)
        if not busy:
            busy.append(True)
            server._statuses.append(503)
            connection.socket.shutdown(2)
            return
        for index, image in enumerate(images(connection)):
            ack(connection, index, image)

    busy: list[bool] = []
    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 0, done.stderr
    assert "answers 503 Service Unavailable" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_closes_the_connection_and_sums_up(
    folder: Path, interruptible: None, number: signal.Signals, code: int
) -> None:
    def talk(connection: ServerConnection) -> None:
        agree(connection)
        for index, image in enumerate(images(connection)):
            if index < 3:
                ack(connection, index, image)
            else:
                waiting.set()

    waiting = threading.Event()
    with StreamServer(talk) as server:
        with subprocess.Popen(
            [*MAIN, "send", str(folder), "--url", server.url, "--quiet"],
            env=environment() | {"NO_PROXY": "127.0.0.1"},
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            assert waiting.wait(PATIENCE)
            process.send_signal(number)
            message = process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == code
    # Answers may be on their way still.
    assert re.match(rf"[0-3] of {COUNT} images in ", message)
    assert message.count("\n") == 1
    assert server.closed == [1000]
