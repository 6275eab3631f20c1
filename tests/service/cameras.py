"""Cameras for tests: video files, MJPEG over HTTP, and viewers that read a stream."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import cv2
import numpy as np

from processors.operation import Image

WIDTH, HEIGHT = 160, 120
_PATIENCE = 20.0
LEVELS = 20
"""Frame `n` of a video is gray of the level 10 * n, so that a viewer can tell which it is."""


def plain(number: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    return np.full((height, width, 3), 10 * (number % LEVELS), np.uint8)


def number_of(image: Image) -> int:
    """Which frame it was."""
    return round(float(image.mean()) / 10)


def write_video(
    path: Path, frames: int = LEVELS, fps: float = 25, width: int = WIDTH, height: int = HEIGHT
) -> Path:
    """A real video file."""
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (width, height))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(plain(number, width, height))
    writer.release()
    return path


def frames_of(path: Path) -> tuple[int, float, tuple[int, int]]:
    """How many frames a video has, its rate, and its size."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = 0
    while (found := capture.read())[0]:
        size = (found[1].shape[1], found[1].shape[0])
        count += 1
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return count, fps, size


def decoded(jpeg: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image  # type: ignore[return-value]


class HttpCamera:
    """A camera that serves MJPEG over HTTP, and can stand still, die, and come back.

    `frames` is how many each connection gets before it is closed, or stands still if `stalls`.
    """

    def __init__(self, frames: int = 10_000, stalls: bool = False) -> None:
        self.frames, self.stalls = frames, stalls
        self.connected = threading.Semaphore(0)
        self._over = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                camera._serve(self)

        self._handler = Handler
        self._server = self._listen(0)
        self.port: int = self._server.server_port

    @property
    def url(self) -> str:
        return f"http://user:secret-word@127.0.0.1:{self.port}/video?token=secret-word"

    def _listen(self, port: int) -> ThreadingHTTPServer:
        self._over.clear()
        server = ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        self.connected.release()
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
        request.end_headers()
        try:
            for number in range(self.frames):
                jpeg = cv2.imencode(".jpg", plain(number))[1].tobytes()
                head = b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                request.wfile.write(head % len(jpeg) + jpeg + b"\r\n")
                if self._over.wait(1 / 50):
                    return
            if self.stalls:
                self._over.wait(30)
        except OSError:
            return  # who watched has left

    def die(self) -> None:
        """Close all connections and listen no more."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        """Listen again at the same address."""
        self._server = self._listen(self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.die()


class Watcher:
    """A viewer of a stream over a socket of its own: it reads when it is asked to.

    In HTTP/1.0 the parts come as they are, in 1.1 within chunks.
    """

    def __init__(self, url: str, query: str = "", http: str = "1.0") -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), _PATIENCE)
        target = "/v1/camera/stream" + (f"?{query}" if query else "")
        self.socket.sendall(f"GET {target} HTTP/{http}\r\nHost: {parts.netloc}\r\n\r\n".encode())
        self._buffer = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def head(self) -> str:
        """The status line and the headers."""
        return self._until(b"\r\n\r\n").decode()

    def part(self) -> bytes:
        """The next picture as JPEG; empty at the stream's end."""
        head = self._until(b"\r\n\r\n")
        if b"Content-Length" not in head:
            return b""
        count = int(head.rpartition(b"Content-Length: ")[2].split(b"\r\n")[0])
        jpeg = self._exactly(count)
        self._until(b"--frame\r\n")
        return jpeg

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            if not self._more():
                return b""
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count and self._more():
            pass
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _more(self) -> bool:
        data = self.socket.recv(1 << 16)
        self._buffer += data
        return bool(data)

    def close(self) -> None:
        self.socket.close()


@contextmanager
def watching(url: str, query: str = "") -> Iterator[Watcher]:
    """A viewer whose answer has begun."""
    watcher = Watcher(url, query)
    try:
        yield watcher
    finally:
        watcher.close()
