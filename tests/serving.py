"""Small servers that tests run in threads of their own process."""

import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self

_LOOK_SECONDS = 0.01
"""How often a server looks whether it is to end."""


class Serving:
    """Runs a server of the standard library from entering to leaving.

    Leaving waits for its connections too, unless their threads are daemons; `release` is called
    before, for those that wait for something of the test.
    """

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,))

    @property
    def port(self) -> int:
        found: int = self._server.server_address[1]  # type: ignore[index,assignment]
        return found

    def release(self) -> None:
        """Nothing waits."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no log to standard error."""

    def log_message(self, format: str, *args: Any) -> None:
        pass
