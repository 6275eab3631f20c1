"""A real server for what is sent, which does with a connection what a test says."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from typer.testing import CliRunner, Result
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from service.cli.main import app as commands

Talk = Callable[[ServerConnection], None]


class StreamServer:
    """Runs `talk` for each connection. `statuses`: what the first handshakes are answered with."""

    def __init__(
        self, talk: Talk, port: int = 0, statuses: tuple[int, ...] = (), **options: Any
    ) -> None:
        self._talk = talk
        self._statuses = list(statuses)
        self.headers: list[dict[str, str]] = []
        """Of each handshake."""
        self.closed: list[int | None] = []
        """The code with which each connection was closed by its client."""
        self._server = serve(
            self._run, "127.0.0.1", port, process_request=self._begin, compression=None, **options
        )
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def port(self) -> int:
        found: int = self._server.socket.getsockname()[1]
        return found

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def _begin(self, connection: ServerConnection, request: Request) -> Response | None:
        self.headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        if not self._statuses:
            return None
        return connection.respond(HTTPStatus(self._statuses.pop(0)), "not now\n")

    def _run(self, connection: ServerConnection) -> None:
        try:
            self._talk(connection)
        finally:
            connection.close()
            self.closed.append(connection.close_code)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()


def agree(connection: ServerConnection) -> dict[str, Any]:
    """Take the settings over, and give them."""
    found: dict[str, Any] = json.loads(connection.recv())
    connection.send(json.dumps({"type": "settings", "operations": [], "reply": None}))
    return found


def images(connection: ServerConnection) -> Iterator[bytes]:
    """The images that come, in text or not, until the connection is closed."""
    for message in connection:
        yield base64.b64decode(message) if isinstance(message, str) else message


def ack(connection: ServerConnection, index: int, image: bytes) -> None:
    found = {"index": index, "width": 8, "height": 6, "bytes": len(image), "milliseconds": 1.5}
    connection.send(json.dumps({"type": "ack", **found}))


def fail(connection: ServerConnection, index: int | None, detail: str, pointer: str = "") -> None:
    problem = {"type": "/problems/x", "title": "Wrong", "status": 422, "detail": detail}
    faults = [{"pointer": pointer, "detail": detail}] if pointer else []
    message = {"type": "error", "index": index, "problem": {**problem, "errors": faults}}
    connection.send(json.dumps(message))


class Acknowledging:
    """Acknowledges all images, and keeps them and the settings."""

    def __init__(self) -> None:
        self.settings: list[dict[str, Any]] = []
        self.images: list[bytes] = []

    def __call__(self, connection: ServerConnection) -> None:
        self.settings.append(agree(connection))
        for index, image in enumerate(images(connection)):
            self.images.append(image)
            ack(connection, index, image)


def send(folder: Path, url: str, *arguments: str) -> Result:
    return CliRunner().invoke(commands, ["send", str(folder), "--url", url, *arguments])


def names_of(found: list[bytes], folder: Path) -> list[str]:
    """The files that images are, which all differ."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    known = {path.read_bytes(): path for path in files}
    return [str(known[image].relative_to(folder)) for image in found]
