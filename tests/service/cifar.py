"""Archives in the layout of CIFAR-10, good and hostile, and a server that hands them out."""

import gzip
import hashlib
import io
import pickle
import re
import tarfile
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from typer.testing import CliRunner, Result

from service.cli.main import app as commands
from tests.serving import QuietHandler, Serving

LABELS = ["cat", "dog", "ship"]
FOLDER = "cifar-10-batches-py"


def pixels(count: int, seed: int = 1) -> npt.NDArray[np.uint8]:
    """(count, 3072) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def batch(**changed: Any) -> dict[bytes, Any]:
    """Six images, two of each class, with the keys of Python 2."""
    found = {
        b"data": pixels(6),
        b"labels": [0, 1, 2, 0, 1, 2],
        b"filenames": [f"{LABELS[at % 3]}_s_{at:06}.png".encode() for at in range(6)],
        b"batch_label": b"training batch 1 of 5",
    }
    return found | {name.encode(): value for name, value in changed.items()}


def meta(labels: Iterable[str] = LABELS) -> bytes:
    return pickle.dumps({b"label_names": [label.encode() for label in labels]}, 2)


def archive(
    *members: tuple[tarfile.TarInfo, bytes],
    batches: dict[str, bytes] | None = None,
    labels: Iterable[str] = LABELS,
) -> bytes:
    """A .tar.gz of one good batch and its meta, unless told otherwise, and of `members`."""
    files = {"data_batch_1": pickle.dumps(batch(), 2)} if batches is None else batches
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", compresslevel=1) as tar:
        folder = tarfile.TarInfo(FOLDER)
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        # As in the real one, batches come before the names of their classes.
        for name, data in {**files, "batches.meta": meta(labels)}.items():
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return held.getvalue()


def member(name: str, type: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, link
    return info


def packed(header: bytes) -> bytes:
    """A .tar.gz that begins with a header made by hand."""
    return gzip.compress(header + bytes(10_240), 1)


class Shop(Serving):
    """A server of one file. `breaks`: bytes after which each of the first answers breaks off."""

    def __init__(self, content: bytes, breaks: Iterable[int] = (), ranges: bool = True) -> None:
        self.content = content
        self.breaks = list(breaks)
        self.ranges = ranges
        self.tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        self.asked: list[tuple[str | None, str | None]] = []
        """The Range and the If-Range of each request."""
        self.stalled, self.go_on = threading.Event(), threading.Event()
        """Set when an answer that breaks off has sent its part; and what it then waits for."""
        self.go_on.set()
        shop = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                shop.answer(self)

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/files/tiny.tar.gz"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if not request.path.endswith("/tiny.tar.gz"):
            request.send_error(404)
            return
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append((wanted, condition))
        part, total = self.content, len(self.content)
        start = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if self.ranges and start and condition == self.tag:
            part = self.content[int(start[1]) :]
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start[1]}-{total - 1}/{total}")
        else:
            request.send_response(200)
        request.send_header("ETag", self.tag)
        request.send_header("Content-Length", str(len(part)))
        request.end_headers()
        if not self.breaks:
            request.wfile.write(part)
            return
        request.wfile.write(part[: self.breaks.pop(0)])
        self.stalled.set()
        self.go_on.wait()

    def release(self) -> None:
        self.go_on.set()


def fetch(url: str, output: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        commands, ["dataset", "--url", url, "--output", str(output), *arguments]
    )


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


SAVED = [
    f"{LABELS[at]}/{LABELS[at]}_s_{number:06}.png" for at in range(3) for number in (at, at + 3)
]
"""What a good archive becomes."""
