"""`python main.py send`: servers that refuse, and those that are something else."""

import json
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection

from tests.service.streaming import Acknowledging, StreamServer, send


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("few")
    for at in range(3):
        (found / f"{at}.png").write_text(f"image {at}")
    return found


@pytest.mark.parametrize(
    ("status", "key", "message"),
    [
        (401, None, "answers 401 Unauthorized: it wants an API key, by --api-key or DARKROOM_API_"),
        (401, "wrong", "answers 401 Unauthorized: it wants another API key, by --api-key or DARK"),
        (404, None, "answers 404 Not Found: there is no stream"),
        (503, None, "answers 503 Service Unavailable"),
    ],
)
def test_a_handshake_that_is_refused_is_explained(
    folder: Path, status: int, key: str | None, message: str
) -> None:
    with StreamServer(Acknowledging(), statuses=(status,)) as server:
        done = send(folder, server.url, *(("--api-key", key) if key else ()))
    assert done.exit_code == 2
    assert message in done.stderr
    assert "wrong" not in done.stderr


def test_the_key_is_sent_with_the_handshake(folder: Path) -> None:
    with StreamServer(Acknowledging()) as server:
        assert send(folder, server.url, "--api-key", "0123456789abcdef").exit_code == 0
    assert server.headers[0]["authorization"] == "Bearer 0123456789abcdef"


def test_a_server_that_closes_at_once_is_not_asked_again(folder: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.close(1008, "no JSON here")

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 2
    assert ": the connection was lost: 1008 (policy violation) no JSON here\n" in done.stderr
    assert len(server.closed) == 1


@pytest.mark.parametrize("said", ["ok", json.dumps({"type": "hello"}), b"\0", "[]"])
def test_a_server_that_is_no_darkroom_is_told_apart(folder: Path, said: str | bytes) -> None:
    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(said)
        assert list(connection) == []

    with StreamServer(talk) as server:
        done = send(folder, server.url)
    assert done.exit_code == 2
    assert "the server does not answer as Darkroom does; --text sends to one" in done.stderr


def test_a_server_that_says_nothing_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.sending.stream.ANSWER_SECONDS", 0.1)
    with StreamServer(lambda connection: list(connection) and None) as server:
        done = send(folder, server.url, "--text")
    assert done.exit_code == 1
    assert "the server did not answer for " in done.stderr
