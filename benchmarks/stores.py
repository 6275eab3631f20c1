"""What the store takes: pages of a large library, and many images into a collection."""

import asyncio
import base64
import http.client
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlencode

from PIL import Image as Pillow
from pymongo import MongoClient

from benchmarks.contestants.darkroom import Server
from benchmarks.mongod import Mongod, server_binary
from benchmarks.workloads import Picture
from schemas.library import ImageQuery, LibraryImage
from service.app import store_from
from service.settings import load_settings
from service.store.base import Store

_AT_ONCE = 1000
_SIDE = (64, 6000)
_SEED = 7
_SECONDS = 1_700_000_000
_A_REQUEST = 100
"""Files that one request brings."""


class Pages(NamedTuple):
    """Milliseconds of a page of a query by dimensions."""

    backend: str
    way: str
    median: float
    p95: float


class Inserts(NamedTuple):
    """How many images a second became part of a collection."""

    title: str
    rate: float


class StoreFigures(NamedTuple):
    """One run. `missing` says why MongoDB took no part, if it did not."""

    entries: int
    queries: int
    images: int
    pages: list[Pages]
    inserts: list[Inserts]
    missing: str | None


def measure(pictures: Sequence[Picture], entries: int, queries: int, images: int) -> StoreFigures:
    """Both backends; `pictures` are repeated up to `images`."""
    files = [picture.path.read_bytes() for picture in pictures]
    files = [files[index % len(files)] for index in range(images)]
    pages: list[Pages] = []
    inserts: list[Inserts] = []
    with _databases() as urls:
        for backend, url in urls.items():
            pages += _pages(backend, url("pages"), entries, queries)
            inserts.append(_over_http(f"Darkroom, {backend}", url("inserts"), files))
        if "MongoDB" in urls:
            inserts.append(_plain_loop(urls["MongoDB"]("plain"), files))
    missing = None if "MongoDB" in urls else "there is no server for this system"
    return StoreFigures(entries, queries, images, pages, inserts, missing)


@contextmanager
def _databases() -> Iterator[dict[str, Any]]:
    """For each backend what gives the address of a new database, by a name."""
    # On a disk, as a database is: memory would flatter what has to be flushed.
    folder = Path(tempfile.mkdtemp(prefix="darkroom-stores-"))
    urls: dict[str, Any] = {"SQLite": lambda name: f"sqlite:///{folder / name}.db"}
    binary = server_binary()
    server = Mongod(binary, folder / "mongod") if binary else None
    try:
        if server is not None:
            server.start("--auth")
            urls["MongoDB"] = server.url
        yield urls
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


def _pages(backend: str, url: str, entries: int, queries: int) -> Iterator[Pages]:
    with tempfile.TemporaryDirectory() as library, Server(store=url, library=library) as server:
        # The scan of the start would take what comes now for files that are gone.
        server.client.post("/v1/images/scan").raise_for_status()
        over_store = asyncio.run(_by_store(url, entries, queries))
        over_http = _by_http(server, queries)
    for way, taken in (("store", over_store), ("HTTP", over_http)):
        yield Pages(backend, way, median(taken), quantiles(taken, n=20)[-1])


async def _by_store(url: str, entries: int, queries: int) -> list[float]:
    async with _filled(url, entries) as store:
        taken = []
        for asked in _queries(queries):
            started = perf_counter()
            await store.images.page(ImageQuery.model_validate(asked))
            taken.append((perf_counter() - started) * 1000)
        assert (await store.images.page(ImageQuery(limit=1))).total == entries
        return taken


def _by_http(server: Server, queries: int) -> list[float]:
    connection = http.client.HTTPConnection(*server.address)
    taken = []
    for asked in _queries(queries):
        started = perf_counter()
        connection.request("GET", f"/v1/images?{urlencode(asked)}")
        response = connection.getresponse()
        body = response.read()
        taken.append((perf_counter() - started) * 1000)
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status}: {body[:500]!r}")
    connection.close()
    return taken


@asynccontextmanager
async def _filled(url: str, entries: int) -> AsyncIterator[Store]:
    store = store_from(load_settings(store=url))
    random = Random(_SEED)
    for first in range(0, entries, _AT_ONCE):
        numbers = range(first, min(entries, first + _AT_ONCE))
        await store.images.put([_entry(number, random) for number in numbers])
    try:
        yield store
    finally:
        await store.close()


def _entry(number: int, random: Random) -> LibraryImage:
    width, height = random.randint(*_SIDE), random.randint(*_SIDE)
    return LibraryImage(
        id=f"{number:016x}",
        path=f"{number % 100:02}/{number:06}.jpg",
        width=width,
        height=height,
        megapixels=width * height / 1e6,
        format="jpeg",
        bytes=width * height // 9,
        channels=3,
        bit_depth=8,
        modified=datetime.fromtimestamp(_SECONDS + number, UTC),
        sha256=f"{number:064x}",
        perceptual_hash=f"{number:016x}",
    )


def _queries(count: int) -> Iterator[dict[str, int]]:
    """Bounds of both sides on both ends, other ones each time."""
    random = Random(_SEED + 1)
    for _ in range(count):
        found = {"limit": 50}
        for side in ("width", "height"):
            least, most = sorted(random.randint(*_SIDE) for _ in range(2))
            found |= {f"min_{side}": least, f"max_{side}": most}
        yield found


def _over_http(title: str, url: str, files: Sequence[bytes]) -> Inserts:
    requests = list(_requests(files))
    with tempfile.TemporaryDirectory() as library, Server(store=url, library=library) as server:
        _post(server, "warm", requests[:1])
        started = perf_counter()
        inserted = _post(server, "measured", requests)
        seconds = perf_counter() - started
    if inserted != len(files):
        raise RuntimeError(f"{inserted} of {len(files)} images were inserted")
    return Inserts(title, len(files) / seconds)


def _requests(files: Sequence[bytes]) -> Iterator[list[tuple[str, tuple[str, bytes]]]]:
    parts = [("files", (f"{number:06}.jpg", data)) for number, data in enumerate(files)]
    for first in range(0, len(parts), _A_REQUEST):
        yield parts[first : first + _A_REQUEST]


def _post(
    server: Server, collection: str, requests: Sequence[list[tuple[str, tuple[str, bytes]]]]
) -> int:
    """One request behind the other; gives how many images were inserted."""
    inserted = 0
    for parts in requests:
        response = server.client.post(f"/v1/collections/{collection}/images", files=parts)
        response.raise_for_status()
        inserted += len(json.loads(response.content)["inserted"])
    return inserted


def _plain_loop(url: str, files: Sequence[bytes]) -> Inserts:
    client: MongoClient[dict[str, Any]] = MongoClient(url, w="majority", journal=True)
    with client:
        collection = client.get_default_database()["plain"]
        started = perf_counter()
        for number, data in enumerate(files):
            collection.insert_one(_document(f"{number:06}.jpg", data))
        seconds = perf_counter() - started
    return Inserts("Plain loop of Pillow and pymongo, MongoDB", len(files) / seconds)


def _document(name: str, data: bytes) -> dict[str, Any]:
    made = BytesIO()
    with Pillow.open(BytesIO(data)) as image:
        image.resize((80, 90)).convert("L").save(made, "JPEG")
    return {"name": name, "image_base64": base64.b64encode(made.getvalue()).decode()}
