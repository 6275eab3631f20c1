"""`python main.py send --save`: where results go, and where they never go."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from websockets.sync.server import ServerConnection

from processors.probing import sniff
from tests.samples import photograph
from tests.service.streaming import StreamServer, Talk, agree, images, send


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def encoded(extension: str, seed: int = 1) -> bytes:
    return cv2.imencode(extension, photograph(32, 24, seed=seed))[1].tobytes()


def folder_of(root: Path, *names: str) -> Path:
    for at, name in enumerate(names):
        path = root / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(path.suffix, at))
    return root / "in"


def answering(results: Callable[[bytes], list[bytes]]) -> Talk:
    """A server whose results are those of a function of the image."""

    def talk(connection: ServerConnection) -> None:
        assert agree(connection)["reply"] == "image"
        for index, image in enumerate(images(connection)):
            found = results(image)
            if len(found) != 1:
                connection.send(f'{{"type": "images", "index": {index}, "count": {len(found)}}}')
            for result in found:
                connection.send(result)

    return talk


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_results_are_saved_below_the_folder_under_the_names_of_the_images(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "1.png", "a/b/2.png")
    with StreamServer(answering(lambda image: [image])) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path / "out") == ["1.png", "a/b/2.png"]
    assert (tmp_path / "out/a/b/2.png").read_bytes() == (folder / "a/b/2.png").read_bytes()


def test_the_extension_is_that_of_what_came(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "1.png", "2.v2.png", "3.JPEG")
    (folder / "4.old").write_bytes(encoded(".png", 9))
    result = encoded(".jpg")
    with StreamServer(answering(lambda image: [result])) as server:
        send(folder, server.url, "--save", str(tmp_path / "out"))
    assert files(tmp_path / "out") == ["1.jpg", "2.v2.jpg", "3.JPEG", "4.old.jpg"]


def test_several_results_are_numbered(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a/1.png", "a/2.png")
    parts = [encoded(".png", seed) for seed in range(4)]
    with StreamServer(answering(lambda image: parts)) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    assert files(tmp_path / "out") == [
        f"a/{stem}_{number}.png" for stem in (1, 2) for number in (1, 2, 3, 4)
    ]
    assert (tmp_path / "out/a/1_3.png").read_bytes() == parts[2]


def test_no_result_replaces_that_of_another_image(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "1.jpg", "1.png")
    results = iter([encoded(".webp", 1), encoded(".webp", 2)])
    with StreamServer(answering(lambda image: [next(results)])) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "1.png: failed: " in done.stderr
    assert "1.webp is the result of an earlier image, or one that is sent" in done.stderr
    assert (tmp_path / "out/1.webp").read_bytes() == encoded(".webp", 1)


def test_no_result_replaces_an_image_that_is_sent(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "1.png", "2.png")
    result = encoded(".png", 5)
    with StreamServer(answering(lambda image: [result])) as server:
        done = send(folder, server.url, "--save", str(folder))
    assert done.exit_code == 1
    assert (folder / "1.png").read_bytes() == encoded(".png", 0)
    assert ": 0 acknowledged, 2 failed" in done.stderr


def test_a_link_that_leads_out_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
    with StreamServer(answering(lambda image: [image])) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert files(tmp_path / "elsewhere") == []
    assert (tmp_path / "out/b/2.png").is_file()


def test_what_is_no_image_is_not_saved(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "1.png")
    with StreamServer(answering(lambda image: [b"#!/bin/sh"])) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "1.png: failed: The image is of no known format" in done.stderr
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("count", ["-1", "1e9", "100001", '"2"', "null", "true"])
def test_a_count_of_results_that_cannot_be_is_refused(tmp_path: Path, count: str) -> None:
    def talk(connection: ServerConnection) -> None:
        agree(connection)
        connection.recv()
        connection.send(f'{{"type": "images", "index": 0, "count": {count}}}')
        assert list(connection) == []

    folder = folder_of(tmp_path, "1.png")
    with StreamServer(talk) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "the server announces " in done.stderr


def test_a_result_that_is_too_large_fails_its_image_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.sending.stream.MAX_RESULT_BYTES", 10_000)
    folder = folder_of(tmp_path, "1.png", "2.jpg", "3.png")
    with StreamServer(
        answering(lambda image: [bytes(20_000) if sniff(image) == "jpeg" else image])
    ) as server:
        done = send(folder, server.url, "--save", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "2.jpg: failed: its result has more than " in done.stderr
    assert files(tmp_path / "out") == ["1.png", "3.png"]
