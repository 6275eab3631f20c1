"""How long the lab's preview takes: what its script asks for, beside the bare work."""

import http.client
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import quote

import cv2

from benchmarks.contestants.darkroom import Server
from benchmarks.workloads import Picture
from processors.limits import Limits
from processors.pipeline import Runner
from schemas.process import ProcessQuery, ProcessRequest

SIDE = 1280
"""Pixels of the longer side of the copy that previews are made of, as in the lab's script."""

_COPY = f"operations=thumbnail={SIDE}&format=jpeg&quality=95"
_ENCODE = {"format": "jpeg", "quality": 85}
_WARM_UP = 10
PIPELINES: dict[str, list[str]] = {
    "`contrast`": ["contrast=1.2"],
    "`blur`": ["blur=9"],
    "`crop`, `rotate`, `sharpen`, `curves`": [
        "crop=100,100,900,700",
        "rotate=7",
        "sharpen=1.5",
        "curves=[[0,0],[64,50],[192,210],[255,255]]",
    ],
    "`denoise`": ["denoise=10"],
}


class Preview(NamedTuple):
    """Milliseconds from the request to the last byte; `bare` is the work alone, in this process."""

    title: str
    median: float
    p95: float
    bare: float

    @property
    def added(self) -> float:
        """The share of the preview that is not the work, 0 to 1."""
        return max(0.0, 1 - self.bare / self.median)


class PreviewFigures(NamedTuple):
    """`first` is the median of the first load of each image, in milliseconds."""

    megapixels: float
    first: float
    requests: int
    previews: list[Preview]


def of_twelve_megapixels(pictures: Sequence[Picture]) -> list[Picture]:
    """Those whose size is nearest to it."""
    distance = {one: abs(one.width * one.height - 12_000_000) for one in pictures}
    return [one for one in pictures if distance[one] == min(distance.values())]


def measure(pictures: Sequence[Picture], requests: int) -> PreviewFigures:
    """Previews of the first of `pictures`, one after the other on one connection."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        library.mkdir()
        for picture in pictures:
            copyfile(picture.path, library / picture.path.name)
        with Server(library=str(library), store=f"sqlite:///{folder}/store.db") as server:
            connection = http.client.HTTPConnection(*server.address)
            images = _scanned(connection)
            loads = [_load(connection, image["id"]) for image in images]
            copy = loads[0][1]
            previews = [
                _preview(connection, title, operations, copy, requests)
                for title, operations in PIPELINES.items()
            ]
            connection.close()
    first = median(milliseconds for milliseconds, _ in loads)
    return PreviewFigures(images[0]["megapixels"], first, requests, previews)


def _scanned(connection: http.client.HTTPConnection) -> list[dict[str, Any]]:
    _timed(connection, "POST", "/v1/images/scan")
    _, answer = _timed(connection, "GET", "/v1/images?sort=-megapixels")
    images: list[dict[str, Any]] = json.loads(answer)["images"]
    return images


def _load(connection: http.client.HTTPConnection, id: str) -> tuple[float, bytes]:
    return _timed(connection, "GET", f"/v1/images/{id}/content?{_COPY}")


def _preview(
    connection: http.client.HTTPConnection,
    title: str,
    operations: list[str],
    copy: bytes,
    requests: int,
) -> Preview:
    asked = "".join(f"&operations={quote(one)}" for one in operations)
    path = f"/v1/process?format=jpeg&quality={_ENCODE['quality']}{asked}"
    runner = _runner(operations)
    pairs = [
        (_timed(connection, "POST", path, copy)[0], _bare(runner, copy))
        for _ in range(_WARM_UP + requests)
    ][_WARM_UP:]
    taken, bare = zip(*pairs, strict=True)
    return Preview(title, median(taken), quantiles(taken, n=20)[-1], median(bare))


def _runner(operations: list[str]) -> Runner:
    query = ProcessQuery.model_validate(_ENCODE | {"operations": operations})
    return Runner(ProcessRequest.merged(query, {}).pipeline(), Limits())


def _bare(runner: Runner, copy: bytes) -> float:
    started = perf_counter()
    runner.run(copy, None)
    return (perf_counter() - started) * 1000


def _timed(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[float, bytes]:
    """Milliseconds, and the answer's body."""
    started = perf_counter()
    connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
    response = connection.getresponse()
    answer = response.read()
    taken = (perf_counter() - started) * 1000
    if response.status != http.client.OK:
        raise RuntimeError(f"{response.status}: {answer[:500]!r}")
    return taken, answer
