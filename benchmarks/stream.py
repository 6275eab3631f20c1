"""Images over WebSocket, beside the bare loop and beside `POST /v1/process`."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.contestants.base import Running
from benchmarks.contestants.darkroom import Server
from benchmarks.contestants.program import BareOpenCV
from benchmarks.inputs import scratch
from benchmarks.workloads import Picture, Work, Workload

UNDER_WAY = 8
"""Images that are sent and not yet answered, over all connections."""

_WORKLOAD = Workload("stream", "768x512 JPEG: halve, quality 90", "small", None, 90)
_SETTINGS = json.dumps({"operations": ["resize=0.5"], "encode": {"quality": _WORKLOAD.quality}})
_PATH = f"/v1/process?operations=resize%3D0.5&quality={_WORKLOAD.quality}"

BARE, PROCESS = "Bare loop, two processes", "POST /v1/process"
ONE, FOUR = "One WebSocket", "Four WebSockets"


class StreamRate(NamedTuple):
    """Images a second of one way; `rates` has one entry a round."""

    way: str
    connections: int | None
    rates: list[float]

    @property
    def median(self) -> float:
        return median(self.rates)


class StreamFigures(NamedTuple):
    """One run of `images` images each time."""

    images: int
    rates: list[StreamRate]

    def ratio(self, rate: StreamRate, way: str) -> float:
        """To that of another way, as the median of the ratios of each round."""
        other = next(each for each in self.rates if each.way == way)
        pairs = zip(rate.rates, other.rates, strict=True)
        return median(ours / theirs for ours, theirs in pairs)


def measure(pictures: Sequence[Picture], images: int, repeats: int) -> StreamFigures:
    """The ways take turns; `pictures` are repeated up to `images`."""
    files = [picture.path.read_bytes() for picture in pictures]
    files = [files[index % len(files)] for index in range(images)]
    folder = Path(tempfile.mkdtemp(prefix="darkroom-stream-", dir=scratch()))
    try:
        with BareOpenCV().start(_WORKLOAD, "") as bare, Server() as server:
            bare.prepare(Work(_WORKLOAD, list(pictures), images, folder))
            ways = _ways(bare, server, files)
            rates = [StreamRate(way, connections, []) for way, connections, _ in ways]
            for _, _, run in ways:  # to warm up
                run()
            for _ in range(repeats):
                for rate, (_, _, run) in zip(rates, ways, strict=True):
                    rate.rates.append(images / _seconds(run))
    finally:
        shutil.rmtree(folder)
    return StreamFigures(images, rates)


def _ways(
    bare: Running, server: Server, files: Sequence[bytes]
) -> list[tuple[str, int | None, Callable[[], None]]]:
    host, port = server.address
    return [
        (BARE, None, bare.run),
        (PROCESS, UNDER_WAY, lambda: asyncio.run(_by_process(host, port, files))),
        (ONE, 1, lambda: asyncio.run(_by_streams(host, port, files, 1))),
        (FOUR, 4, lambda: asyncio.run(_by_streams(host, port, files, 4))),
    ]


def _seconds(run: Callable[[], None]) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


async def _by_process(host: str, port: int, files: Sequence[bytes]) -> None:
    """As many connections as images under way, each with one request behind the other."""
    remaining = iter(files)
    await asyncio.gather(*(_requests(host, port, remaining) for _ in range(UNDER_WAY)))


async def _requests(host: str, port: int, files: Iterator[bytes]) -> None:
    # By hand: a client library would take longer than what is measured here.
    reader, writer = await asyncio.open_connection(host, port)
    for data in files:
        writer.write(f"POST {_PATH} HTTP/1.1\r\nHost: {host}\r\n".encode())
        writer.write(f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode())
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{head!r}: {body[:500]!r}")
    writer.close()


async def _by_streams(host: str, port: int, files: Sequence[bytes], connections: int) -> None:
    url = f"ws://{host}:{port}/v1/stream"
    remaining = iter(files)
    most = UNDER_WAY // connections
    await asyncio.gather(*(_stream(url, remaining, most) for _ in range(connections)))


async def _stream(url: str, files: Iterator[bytes], most: int) -> None:
    async with connect(url, compression=None, proxy=None) as connection:
        await connection.send(_SETTINGS)
        await connection.recv()
        under_way = 0
        for data in islice(files, most):
            await connection.send(data)
            under_way += 1
        while under_way:
            await _answer(connection)
            under_way -= 1
            for data in islice(files, 1):
                await connection.send(data)
                under_way += 1


async def _answer(connection: ClientConnection) -> None:
    answer = await connection.recv()
    if isinstance(answer, str):
        raise RuntimeError(f"an image failed: {answer[:500]}")
