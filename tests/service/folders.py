"""Clients of the TCP listener: an original one, and one of the framed protocol."""

import json
import pickle
import re
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image as Pillow

from tests.live import LiveServer
from tests.samples import photograph

NAMES_RECEIVED = b"nombre de carpeta y lista nombres imagenes recibidas"
IMAGE_RECEIVED = b"imagen recibida"
ALL_RECEIVED = b"Todas las imagen recibidas, descomprimidas y nombradas"

PATIENCE = 20.0

Send = Callable[[socket.socket, bytes], None]


def port_of(server: LiveServer) -> int:
    line = server.wait_for("taking folders on")
    found = re.search(r"port (\d+)", line)
    assert found is not None
    return int(found[1])


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def opened(format: str = "JPEG", width: int = 60, height: int = 40, **options: Any) -> Pillow.Image:
    """An image as `PIL.Image.open` gives it."""
    file = BytesIO()
    pixels = photograph(width, height)[..., ::-1]
    Pillow.fromarray(pixels.copy()).save(file, format, **options)
    return Pillow.open(BytesIO(file.getvalue()))


def a_byte_at_a_time(connection: socket.socket, data: bytes) -> None:
    for at in range(len(data)):
        connection.sendall(data[at : at + 1])


def original(
    port: int,
    folder: object,
    images: Mapping[Any, object],
    protocol: int | None = None,
    send: Send = socket.socket.sendall,
) -> list[bytes]:
    """What the original client does, and the answers that it prints: one `recv` each."""
    answers: list[bytes] = []
    with connect(port) as connection:
        send(connection, pickle.dumps((folder, list(images)), protocol))
        answers.append(connection.recv(1024))
        for image in images.values():
            send(connection, pickle.dumps(image, protocol))
            answers.append(connection.recv(1024))
        if answers[-1] == IMAGE_RECEIVED + ALL_RECEIVED:  # one behind the other, read at once
            answers[-1:] = [IMAGE_RECEIVED, ALL_RECEIVED]
        elif answers[-1] != ALL_RECEIVED:
            answers.append(connection.recv(1024))
        connection.sendall(b"fin")
    return answers


def said(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def message(header: Any, body: bytes = b"") -> bytes:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">II", len(encoded), len(body)) + encoded + body


class Framed:
    """A connection of the framed protocol."""

    def __init__(self, port: int, opening: bytes = b"DRKM\x01") -> None:
        self.socket = connect(port)
        self._file = self.socket.makefile("rb")
        self.socket.sendall(opening)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self.socket.close()

    def send(self, type: str, body: bytes = b"", **header: Any) -> None:
        self.socket.sendall(message({"type": type, **header}, body))

    def next(self) -> dict[str, Any]:
        """The next message; empty at the end."""
        lengths = self._file.read(8)
        if not lengths:
            return {}
        header, body = struct.unpack(">II", lengths)
        assert body == 0
        found: dict[str, Any] = json.loads(self._file.read(header))
        return found

    def hello(self, collection: str, **more: Any) -> dict[str, Any]:
        self.send("hello", collection=collection, **more)
        return self.next()

    def problem(self) -> str:
        """The slug of the error that is next; nothing is behind it."""
        error = self.next()
        assert error["type"] == "error", error
        assert self.next() == {}
        return str(error["problem"]["type"].rpartition("/")[2])


def framed(port: int, collection: str, images: Iterable[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """A whole conversation: what became of each image, and the summary."""
    with Framed(port) as client:
        assert client.hello(collection)["type"] == "ready"
        sent = [client.send("image", body, name=name) for name, body in images]
        client.send("end")
        found = [client.next() for _ in range(len(sent) + 1)]
        assert client.next() == {}
        return found


def documents(server: LiveServer, collection: str) -> dict[str, str]:
    """The base64 of the images of a collection, by name."""
    with server.client() as client:
        page = client.get(f"/v1/collections/{collection}/images?limit=1000").raise_for_status()
        names = [image["name"] for image in page.json()["images"]]
        at = f"/v1/collections/{collection}/images"
        return {name: client.get(f"{at}/{name}").json()["image_base64"] for name in names}


def over_http(server: LiveServer, collection: str, images: Mapping[str, bytes]) -> dict[str, str]:
    """The documents that the same files become over HTTP."""
    parts = [("files", (name, data)) for name, data in images.items()]
    with server.client() as client:
        client.post(f"/v1/collections/{collection}/images", files=parts).raise_for_status()
    return documents(server, collection)


def png(image: Pillow.Image, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def server_of(folder: Path, url: str, **settings: object) -> LiveServer:
    (folder / "library").mkdir(exist_ok=True)
    given: dict[str, object] = {"workers": 2, "library": folder / "library", "ingest_port": 0}
    return LiveServer(folder, store=url, **(given | settings))
