"""`ingest --protocol pickle`: the real command against servers of the original protocol."""

import json
import pickle
import socket
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageChops
from typer.testing import Result

from service.cli.ingesting import legacy, link
from tests.service.ingesting import (
    ALL_TAKEN,
    FOLDER_TAKEN,
    IMAGE_TAKEN,
    NAMES,
    Handler,
    Listener,
    Original,
    a_byte_at_a_time,
    ingest,
    make_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "cats")


def send(port: int, folder: Path, *arguments: str) -> Result:
    return ingest(port, folder, "--protocol", "pickle", *arguments)


def saying(*answers: bytes, stays: bool = False) -> Handler:
    """Answers the list and each image with these, and then closes, or stays till the end."""

    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            for answer in answers:
                pickle.load(file)
                connection.sendall(answer)
            if stays:
                file.read()

    return handler


def test_the_server_gets_the_images_that_pillow_reads(folder: Path) -> None:
    server = Original()
    with Listener(server) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert ": 3 received, 0 failed\n" in done.stderr
    assert (server.folder, tuple(server.images), server.end) == ("cats", NAMES, b"fin")
    for name, image in server.images.items():
        with Pillow.open(folder / name) as original:
            assert image.mode == original.mode
            assert ImageChops.difference(image, original).getbbox() is None


def test_answers_may_come_byte_by_byte(folder: Path) -> None:
    server = Original(send=a_byte_at_a_time)
    with Listener(server) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    assert server.end == b"fin"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16"])
def test_images_of_other_modes_arrive(tmp_path: Path, mode: str) -> None:
    folder = make_folder(tmp_path / "modes", ())
    image = Pillow.linear_gradient("L").resize((30, 20))
    sent = Pillow.new(mode, (30, 20), 300) if mode == "I;16" else image.convert(mode)
    sent.save(folder / "a.png", comment="left here")
    server = Original()
    with Listener(server) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 0, done.stderr
    found = server.images["a.png"]
    assert (found.mode, found.tobytes(), found.info) == (mode, sent.tobytes(), {})
    assert found.getpalette() == sent.getpalette()


def test_what_says_how_to_show_the_pixels_goes_with_them(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "turned", ())
    turned = Pillow.Exif()
    turned[0x0112] = 6
    Pillow.new("RGB", (30, 20)).save(folder / "a.jpg", exif=turned, icc_profile=b"profile")
    Pillow.new("P", (30, 20)).save(folder / "b.png", transparency=0)
    server = Original()
    with Listener(server) as listener:
        send(listener.port, folder)
    assert server.images["a.jpg"].getexif()[0x0112] == 6
    assert server.images["a.jpg"].info.keys() == {"exif", "icc_profile"}
    assert server.images["b.png"].info == {"transparency": 0}


def test_a_pickle_needs_nothing_new_of_the_server(folder: Path) -> None:
    """Pillow of any age has this class, whose state has five parts."""
    data = pickle.dumps(legacy.opened(folder / "a.jpg"), 4)
    assert data.startswith(b"\x80\x04")
    assert len(legacy.opened(folder / "a.jpg").__getstate__()) == 5
    assert b"PIL.Image" in data
    assert b"JpegImage" not in data


def test_images_that_pillow_does_not_read_are_not_announced(folder: Path) -> None:
    (folder / "damaged.jpg").write_bytes((folder / "a.jpg").read_bytes()[:400])
    (folder / "text.jpg").write_text("no image")
    (folder / "huge.png").write_bytes(png_of(60_000, 60_000))
    (folder / "large.png").write_bytes(png_of(10_000, 10_000))
    server = Original()
    with Listener(server) as listener:
        done = send(listener.port, folder, "--json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    reasons = {item["name"]: item["error"]["detail"] for item in answer["failed"]}
    assert reasons.pop("damaged.jpg").startswith("the image cannot be decoded: ")
    assert reasons.pop("text.jpg") == "the image is of no format that Pillow reads"
    assert reasons.pop("huge.png").startswith("Pillow does not read it: Image size (3600000000 ")
    assert reasons.pop("large.png").startswith("Pillow does not read it: Image size (100000000 ")
    assert reasons == {}
    assert answer["received"] == list(server.images) == list(NAMES)


def png_of(width: int, height: int) -> bytes:
    """The head of a gray PNG, and no pixels."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"")),
            (b"IEND", b""),
        )
    )


def test_where_none_can_be_sent_no_server_is_asked(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "cats", ())
    (folder / "text.jpg").write_text("no image")
    done = send(1, folder)
    assert done.exit_code == 1
    assert ": 0 inserted, 0 existing, 1 failed" in done.stderr


# --- servers that end early --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        ((FOLDER_TAKEN, IMAGE_TAKEN), 1),
        ((FOLDER_TAKEN, *[IMAGE_TAKEN] * 3), 3),
        ((FOLDER_TAKEN, IMAGE_TAKEN, IMAGE_TAKEN[:5]), 1),
    ],
)
def test_a_server_that_closes_in_the_middle(
    folder: Path, answers: tuple[bytes, ...], count: int
) -> None:
    with Listener(saying(*answers)) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 1
    assert (
        f"\n{count} of 3 images were acknowledged; such a server stores at the end" in done.stderr
    )
    assert done.stderr.startswith("the server ")


def test_a_server_that_says_something_else(folder: Path) -> None:
    with Listener(saying(FOLDER_TAKEN, IMAGE_TAKEN, b"\x1b[31mno")) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 1
    assert done.stderr.startswith("the server answered '\\x1b[31mno'\n1 of 3 images")


@pytest.mark.parametrize("said", [b"", b"no", FOLDER_TAKEN[:-1], b"\x80\x04."])
def test_a_server_that_does_not_take_the_folder(folder: Path, said: bytes) -> None:
    with Listener(saying(said)) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 2
    assert done.stderr.endswith("\nit may speak the other protocol: see --protocol\n")


@pytest.mark.parametrize(("answers", "code"), [([b""], 2), ([FOLDER_TAKEN, b""], 1)])
def test_a_server_that_falls_silent_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[bytes], code: int
) -> None:
    monkeypatch.setattr(link, "SILENT_SECONDS", 0.5)
    with Listener(saying(*answers, stays=True)) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == code
    assert done.stderr.startswith("the server has been silent for 0.5 s\n")


def test_a_server_that_does_not_close_may_not_have_stored(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "SILENT_SECONDS", 0.5)
    answers = (FOLDER_TAKEN, IMAGE_TAKEN, IMAGE_TAKEN, IMAGE_TAKEN + ALL_TAKEN)
    with Listener(saying(*answers, stays=True)) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 1
    assert "3 of 3 images were acknowledged; such a server stores at the end" in done.stderr


def test_a_file_that_is_damaged_between_two_looks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            pickle.load(file)
            (folder / "b.png").unlink()
            connection.sendall(FOLDER_TAKEN)
            pickle.load(file)
            connection.sendall(IMAGE_TAKEN)
            file.read()

    with Listener(handler) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 1
    assert done.stderr.startswith("b.png has changed meanwhile: the file cannot be read: No such")


def test_what_a_server_sends_is_never_loaded(folder: Path) -> None:
    canary = folder / "canary"
    hostile = f"cos\nmkdir\n(V{canary}\ntR.".encode()
    with Listener(saying(hostile, stays=True)) as listener:
        done = send(listener.port, folder)
    assert done.exit_code == 2
    assert "the server answered 'cos\\nmkdir" in done.stderr
    assert not canary.exists()
    pickle.loads(hostile)
    assert canary.exists()
