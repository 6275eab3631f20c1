"""A TCP relay before a server, which loses the answers that a test wants lost."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Relay:
    """Passes bytes between its clients and `target`.

    The answers to the first `lost` connections are dropped: the client's connection is closed when
    their first byte is there, so that the server has taken the request, and the client does not
    know it.
    """

    def __init__(self, target: tuple[str, int], lost: int) -> None:
        self.connections = 0
        self._target = target
        self._lost = lost
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # `shutdown` wakes the thread, which `close` alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                loses = self.connections < self._lost
                self.connections += 1
                server = socket.create_connection(self._target)
                threading.Thread(target=_pump, args=(client, server), daemon=True).start()
                answers = _lose if loses else _pump
                threading.Thread(target=answers, args=(server, client), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source, sink)


def _lose(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        server.recv(1)
    _end(server, client)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
