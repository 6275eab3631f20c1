"""A client's server, which webhooks call."""

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from http.server import ThreadingHTTPServer
from queue import Queue

from tests.serving import QuietHandler, Serving

PATIENCE = 75.0
"""A call that was cut short at a stop is made within a minute."""


@dataclass(frozen=True)
class Call:
    path: str
    headers: Message
    body: bytes


class Receiver(Serving):
    """Answers with `statuses` in their order, then with 204; None does not answer until the end."""

    def __init__(
        self,
        statuses: Sequence[int | None] = (),
        location: str = "/",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.calls: Queue[Call] = Queue()
        self._statuses = iter(statuses)
        self._ended = threading.Event()
        receiver = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = next(receiver._statuses, 204)
                receiver.calls.put(Call(self.path, self.headers, body))
                if status is None:
                    receiver._ended.wait(PATIENCE)
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=hidden"

    def next(self) -> Call:
        return self.calls.get(timeout=PATIENCE)

    def release(self) -> None:
        self._ended.set()
