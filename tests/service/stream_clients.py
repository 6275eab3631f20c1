"""Clients of the image stream: one that keeps to the protocol, and one that does as a test says."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import cv2
import numpy as np
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from processors.operation import Image
from tests.live import LiveServer

Json = dict[str, Any]

_PATIENCE = 20.0
_BUFFER = 64 * 1024


def stream_url(server: LiveServer, path: str = "/v1/stream") -> str:
    return server.url.replace("http", "ws", 1) + path


class Client:
    """A connection whose reads end after a while."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, *messages: bytes | str | Json) -> Self:
        for message in messages:
            text = json.dumps(message) if isinstance(message, dict) else message
            self.connection.send(text)
        return self

    def message(self) -> str | bytes:
        return self.connection.recv(_PATIENCE)

    def json(self) -> Json:
        message = self.message()
        assert isinstance(message, str), len(message)
        found: Json = json.loads(message)
        return found

    def image(self) -> Image:
        message = self.message()
        assert isinstance(message, bytes), message
        return picture(message)

    def set(self, **settings: Any) -> Json:
        """Send settings, and give the answer."""
        return self.send(settings).json()

    def rest(self) -> tuple[list[str | bytes], int]:
        """What still comes, and the code that the connection is closed with."""
        found: list[str | bytes] = []
        try:
            while True:
                found.append(self.message())
        except ConnectionClosed as closed:
            # Without a close frame it was cut off.
            return found, -1 if closed.rcvd is None else closed.rcvd.code


@contextmanager
def connected(url: str, **options: Any) -> Iterator[Client]:
    options = {"proxy": None, "compression": None, "max_size": None} | options
    with connect(url, **options) as connection:
        yield Client(connection)


def picture(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image  # type: ignore[return-value]


class Peer:
    """A socket after its handshake, which reads nothing by itself and answers no ping."""

    def __init__(self, url: str) -> None:
        uri = parse_uri(url)
        self._protocol = ClientProtocol(uri, max_size=None)
        self.socket = socket.socket()
        # Else the system holds tens of megabytes for who does not read.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.settimeout(_PATIENCE)
        self.socket.connect((uri.host, uri.port))
        request = self._protocol.connect()
        self._protocol.send_request(request)
        self.socket.sendall(self._pending())
        while not self._protocol.events_received():
            self._protocol.receive_data(self.socket.recv(1))

    def send(self, message: bytes | str) -> None:
        self.socket.sendall(self.frame(message))

    def frame(self, message: bytes | str) -> bytes:
        if isinstance(message, str):
            return self.text(message.encode())
        self._protocol.send_binary(message)
        return self._pending()

    def text(self, message: bytes) -> bytes:
        """A text message, which need not be UTF-8."""
        self._protocol.send_text(message)
        return self._pending()

    def fragments(self, message: bytes, size: int) -> bytes:
        """The message in frames of `size` bytes."""
        parts = [message[at : at + size] for at in range(0, len(message), size)]
        self._protocol.send_binary(parts[0], fin=False)
        for part in parts[1:]:
            self._protocol.send_continuation(part, fin=False)
        self._protocol.send_continuation(b"", fin=True)
        return self._pending()

    def ping(self) -> bytes:
        self._protocol.send_ping(b"x" * 125)
        return self._pending()

    def farewell(self) -> bytes:
        self._protocol.send_close(1000)
        return self._pending()

    def send_until_held_back(self, data: bytes, most: int, seconds: float = 1.0) -> int:
        """Send `data` up to `most` times, as often as the other side takes it; give how often."""
        self.socket.settimeout(seconds)
        for sent in range(most):
            try:
                self.socket.sendall(data)
            except TimeoutError:
                return sent
        return most

    def read_to_end(self, seconds: float) -> None:
        """Read and forget until the other side is gone. Raises TimeoutError."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass

    def _pending(self) -> bytes:
        return b"".join(self._protocol.data_to_send())


@contextmanager
def peer(url: str) -> Iterator[Peer]:
    found = Peer(url)
    try:
        yield found
    finally:
        found.socket.close()
