"""A web server whose answers are made by hand, byte for byte."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Asked:
    """A request: `connection` counts those that the server has taken."""

    path: str
    fields: dict[str, str]
    connection: int


@dataclass(frozen=True)
class Reply:
    """What is sent: `content`; then `drip` every 20 ms for ever, or the connection ends.

    `keeps` leaves it open for the next request, and `stalls` without another byte.
    """

    content: bytes = b""
    keeps: bool = False
    stalls: bool = False
    drip: bytes = b""


def ok(body: bytes, *fields: str) -> Reply:
    return Reply(head(200, f"Content-Length: {len(body)}", *fields) + body, keeps=True)


def moved(location: str, status: int = 302) -> Reply:
    return Reply(head(status, f"Location: {location}", "Content-Length: 0"), keeps=True)


def status(code: int) -> Reply:
    length = () if code in (204, 304) else ("Content-Length: 0",)
    return Reply(head(code, *length), keeps=True)


def head(code: int, *fields: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {code} Whatever", *fields, "", "")).encode()


class WebServer:
    """Answers GET with what `answers` has for a path, else 404; a list is used up one by one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Reply | list[Reply]] = {}
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self.left = threading.Semaphore(0)
        """Released when a client has left an answer that drips."""
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self._talks: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        found = self._listener.getsockname()[1]
        assert isinstance(found, int)
        return found

    def url(self, path: str, reply: Reply | list[Reply] | None = None) -> str:
        """The URL of a path, which is answered so."""
        if reply is not None:
            self.answers[path.partition("?")[0]] = reply
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}{path}"

    def requests(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.partition("?")[0] == path]

    def close_idle(self) -> None:
        """End all connections: they are between two requests."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for talk in self._talks:
            talk.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                talk = threading.Thread(target=self._talk, args=(connection, len(self._talks)))
                self._talks.append(talk)
                talk.start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), self._wrapped(connection) as wrapped:
            self._open.add(wrapped)
            try:
                while self._answered(wrapped, number):
                    pass
            finally:
                self._open.discard(wrapped)

    @contextmanager
    def _wrapped(self, connection: socket.socket) -> Iterator[socket.socket]:
        with connection:
            if self._tls is None:
                yield connection
            else:
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    yield wrapped

    def _answered(self, connection: socket.socket, number: int) -> bool:
        """Whether the connection goes on."""
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            if not (more := connection.recv(65536)):
                return False
            received += more
        first, *rest = received.decode().strip().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        asked = Asked(first.split(" ")[1], fields, number)
        self.asked.append(asked)
        return self._sent(connection, self._reply(asked.path.partition("?")[0]))

    def _reply(self, path: str) -> Reply:
        found = self.answers.get(path, status(404))
        return found.pop(0) if isinstance(found, list) else found

    def _sent(self, connection: socket.socket, reply: Reply) -> bool:
        if reply.content:
            connection.sendall(reply.content)
        try:
            while reply.drip and not self.ended.wait(0.02):
                connection.sendall(reply.drip)
        except OSError:
            self.left.release()
            raise
        if reply.stalls:
            self.ended.wait()
        return reply.keeps

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ended.set()
        # `shutdown` wakes the thread, which `close` alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.close_idle()
