"""What `POST /v1/process` adds to the bare work on one image."""

import http.client
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.contestants.darkroom import Server
from benchmarks.workloads import Picture

_QUALITY = 90
_PATH = f"/v1/process?operations=resize=0.5&format=jpeg&quality={_QUALITY}"
_WARM_UP = 50


class Latency(NamedTuple):
    """Milliseconds. `added` is what a request takes more than the bare work just before it."""

    requests: int
    bare_median: float
    request_median: float
    added_median: float
    added_p95: float


def measure(pictures: list[Picture], requests: int) -> Latency:
    """One request after the other on one connection, each beside the bare work on its image."""
    files = [picture.path.read_bytes() for picture in pictures]
    cv2.setNumThreads(1)
    with Server() as server:
        # The standard library's client: httpx takes longer than what is measured here.
        connection = http.client.HTTPConnection(*server.address)
        pairs = [
            (_bare(data), _request(connection, data))
            for data in (files[index % len(files)] for index in range(_WARM_UP + requests))
        ][_WARM_UP:]
        connection.close()
    added = [request - bare for bare, request in pairs]
    bare, request = zip(*pairs, strict=True)
    return Latency(
        requests, median(bare), median(request), median(added), quantiles(added, n=20)[-1]
    )


def _bare(data: bytes) -> float:
    started = perf_counter()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    assert image is not None
    cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    return (perf_counter() - started) * 1000


def _request(connection: http.client.HTTPConnection, data: bytes) -> float:
    started = perf_counter()
    connection.request("POST", _PATH, data, {"Content-Type": "image/jpeg"})
    response = connection.getresponse()
    body = response.read()
    seconds = perf_counter() - started
    if response.status != http.client.OK:
        raise RuntimeError(f"{response.status}: {body[:500]!r}")
    return seconds * 1000
