"""Servers of the two ingest protocols, written from the specification, and a folder for them."""

import json
import pickle
import socket
import socketserver
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import cv2
from PIL import Image as Pillow
from typer.testing import CliRunner, Result

from service.cli.main import app as commands
from tests.live import environment
from tests.samples import photograph
from tests.serving import Serving

Handler = Callable[[socket.socket], None]

NAMES = ("a.jpg", "b.png", "c.webp")
PROBLEM = {"type": "/problems/x", "title": "Not wanted", "status": 415, "detail": "it is blue"}
_PATIENCE = 20.0


class Listener(Serving):
    """A TCP server on a free port, which hands each connection to `handler` in a thread."""

    def __init__(self, handler: Handler) -> None:
        class Request(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(_PATIENCE)
                handler(self.request)

        super().__init__(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Request))


def message(header: dict[str, Any], body: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack(">II", len(encoded), len(body)) + encoded + body


def received(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    header, body = struct.unpack(">II", file.read(8))
    return json.loads(file.read(header)), file.read(body)


@dataclass
class Framed:
    """Speaks the framed protocol. `refused` fail; `send` says how its bytes go out."""

    limits: dict[str, int] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    send: Callable[[socket.socket, bytes], None] = socket.socket.sendall
    hellos: list[dict[str, Any]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            for answer in self._answers(file):
                self.send(connection, message(answer))

    def _answers(self, file: BinaryIO) -> Iterator[dict[str, Any]]:
        assert file.read(5) == b"DRKM\x01"
        hello, _ = received(file)
        self.hellos.append(hello)
        yield {"type": "ready", "connection": "c0ffee", "limits": self.limits}
        while (item := received(file))[0]["type"] == "image":
            yield self.keep(item[0]["name"], item[1])
        assert item == ({"type": "end"}, b"")
        yield {"type": "summary", "inserted": 0, "existing": 0, "failed": 0}

    def keep(self, name: str, data: bytes) -> dict[str, Any]:
        """Store it and give the answer."""
        status = "existing" if name in self.stored else "inserted"
        error = PROBLEM if name in self.refused else None
        if error is None:
            self.stored.setdefault(name, data)
        status = "failed" if error else status
        return {"type": "result", "name": name, "status": status, "error": error}


FOLDER_TAKEN = b"nombre de carpeta y lista nombres imagenes recibidas"
IMAGE_TAKEN = b"imagen recibida"
ALL_TAKEN = b"Todas las imagen recibidas, descomprimidas y nombradas"


@dataclass
class Original:
    """Speaks the original protocol, with the plain loader: the client is ours."""

    send: Callable[[socket.socket, bytes], None] = socket.socket.sendall
    folder: str = ""
    images: dict[str, Pillow.Image] = field(default_factory=dict)
    end: bytes = b""

    def __call__(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            self.folder, names = pickle.load(file)
            self.send(connection, FOLDER_TAKEN)
            for at, name in enumerate(names, 1):
                self.images[name] = pickle.load(file)
                # The last two answers in one.
                self.send(connection, IMAGE_TAKEN + (ALL_TAKEN if at == len(names) else b""))
            self.end = file.read(3)


def a_byte_at_a_time(connection: socket.socket, data: bytes) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(data)):
        connection.sendall(data[at : at + 1])


def make_folder(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    """Small images, each another."""
    folder.mkdir()
    for seed, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), photograph(40, 30, seed=seed))
    return folder


def ingest(port: int, folder: Path, *arguments: str, **variables: str) -> Result:
    where = ("-p", str(port), "-f", str(folder))
    return CliRunner().invoke(
        commands, ["ingest", *where, *arguments], env=environment() | variables
    )
