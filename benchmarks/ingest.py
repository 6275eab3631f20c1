"""Folders of images over TCP, in both protocols, beside the same images over HTTP."""

import asyncio
import http.client
import json
import pickle
import shutil
import struct
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import cv2
import httpx
from PIL import Image as Pillow

from benchmarks.contestants.darkroom import Server, free_port
from benchmarks.workloads import Picture

_QUALITY = 80
_A_REQUEST = 100
"""Files that one request brings."""

_OPENING = b"DRKM\x01"
_LENGTHS = struct.Struct(">II")
_NAMES_RECEIVED = b"nombre de carpeta y lista nombres imagenes recibidas"
_IMAGE_RECEIVED = b"imagen recibida"
_ALL_RECEIVED = b"Todas las imagen recibidas, descomprimidas y nombradas"
_NEWS_SECONDS = 60
_Address = tuple[str, int]


class Rate(NamedTuple):
    """Images a second of `clients` at once, one for each repeat."""

    way: str
    clients: int
    rates: list[float]

    @property
    def median(self) -> float:
        return median(self.rates)


class IngestFigures(NamedTuple):
    """One run; `bytes` is the mean size of the images."""

    images: int
    bytes: float
    rates: list[Rate]

    def to_http(self, rate: Rate) -> float:
        """The ratio to HTTP with as many clients."""
        beside = next(one for one in self.rates if (one.way, one.clients) == ("HTTP", rate.clients))
        return rate.median / beside.median


class _Image(NamedTuple):
    """An encoded image, and the object of Pillow that it is opened as, pickled."""

    data: bytes
    pickled: bytes


class _Folder(NamedTuple):
    """What one client sends, made before the clock runs."""

    name: str
    images: list[tuple[str, _Image]]


_Client = Callable[[Server, _Address, _Folder], Awaitable[Callable[[], Awaitable[None]]]]


def measure(
    pictures: Sequence[Picture], images: int, repeats: int, clients: Sequence[int] = (1, 20)
) -> IngestFigures:
    """The ways take turns; `pictures` are halved, and repeated up to `images`."""
    made = [_image(picture) for picture in pictures]
    made = [made[index % len(made)] for index in range(images)]
    rates = [Rate(way, count, []) for count in clients for way in _WAYS]
    # On a disk, as a database is: memory would flatter what has to be flushed.
    folder = Path(tempfile.mkdtemp(prefix="darkroom-ingest-"))
    port = free_port()
    settings = {"store": f"sqlite:///{folder}/store.db", "library": str(folder / "none")}
    try:
        with Server(ingest_port=str(port), **settings) as server:
            for repeat in range(-1, repeats):  # the first is to warm up
                for rate in rates:
                    name = f"{rate.way}-{rate.clients}-{repeat}"
                    found = _once(server, port, _shared(name, made, rate.clients), _WAYS[rate.way])
                    rate.rates.extend([found] if repeat >= 0 else [])
    finally:
        shutil.rmtree(folder)
    return IngestFigures(images, sum(len(image.data) for image in made) / images, rates)


def _image(picture: Picture) -> _Image:
    whole = cv2.imread(str(picture.path))
    assert whole is not None
    size = (picture.width // 2, picture.height // 2)
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    data = encoded.tobytes()
    with Pillow.open(BytesIO(data)) as image:
        return _Image(data, pickle.dumps(image))


def _shared(name: str, images: Sequence[_Image], clients: int) -> list[_Folder]:
    """A folder for each client, all with as many images but for the rest."""
    named = [(f"{number:06}.jpg", image) for number, image in enumerate(images)]
    return [_Folder(f"{name}-{at}", named[at::clients]) for at in range(clients)]


def _once(server: Server, port: int, folders: Sequence[_Folder], client: _Client) -> float:
    seconds = asyncio.run(_together(server, ("127.0.0.1", port), folders, client))
    count = sum(len(folder.images) for folder in folders)
    stored = sum(_stored(server, folder.name) for folder in folders)
    if stored != count:
        raise RuntimeError(f"{stored} of {count} images were stored")
    return count / seconds


async def _together(
    server: Server, address: _Address, folders: Sequence[_Folder], client: _Client
) -> float:
    """Seconds from the first byte of the first to the last answer to the last."""
    ready = [await client(server, address, folder) for folder in folders]
    started = perf_counter()
    await asyncio.gather(*(send() for send in ready))
    return perf_counter() - started


def _stored(server: Server, collection: str) -> int:
    response = server.client.get(f"/v1/collections/{collection}/images", params={"limit": 1})
    response.raise_for_status()
    return int(response.json()["total"])


async def _framed(
    server: Server, address: _Address, folder: _Folder
) -> Callable[[], Awaitable[None]]:
    hello = _message({"type": "hello", "collection": folder.name})
    images = [
        _message({"type": "image", "name": name}, image.data) for name, image in folder.images
    ]
    messages = [_OPENING, hello, *images, _message({"type": "end"})]

    async def send() -> None:
        reader, writer = await asyncio.open_connection(*address)
        sending = asyncio.create_task(_written(writer, messages))
        while (answer := await _answer(reader))["type"] in ("ready", "result"):
            if answer.get("status", "inserted") != "inserted":
                raise RuntimeError(f"not inserted: {answer}")
        await sending
        writer.close()
        if answer["type"] != "summary":
            raise RuntimeError(f"refused: {answer}")

    return send


def _message(header: dict[str, str], body: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return _LENGTHS.pack(len(encoded), len(body)) + encoded + body


async def _written(writer: asyncio.StreamWriter, messages: Sequence[bytes]) -> None:
    for item in messages:
        writer.write(item)
        await writer.drain()


async def _answer(reader: asyncio.StreamReader) -> dict[str, str]:
    header, _ = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    found: dict[str, str] = json.loads(await reader.readexactly(header))
    return found


async def _pickle(
    server: Server, address: _Address, folder: _Folder
) -> Callable[[], Awaitable[None]]:
    names = pickle.dumps((folder.name, [name for name, _ in folder.images]))

    async def send() -> None:
        reader, writer = await asyncio.open_connection(*address)
        await _taken(reader, writer, names, _NAMES_RECEIVED)
        for _, image in folder.images:
            await _taken(reader, writer, image.pickled, _IMAGE_RECEIVED)
        await _awaited(reader, _ALL_RECEIVED)
        with suppress(ConnectionError):  # it may have closed already, which resets the connection
            writer.write(b"fin")
            await reader.read()  # it is stored when the server closes
        writer.close()

    return send


async def _taken(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, wanted: bytes
) -> None:
    writer.write(data)
    await writer.drain()
    await _awaited(reader, wanted)


async def _awaited(reader: asyncio.StreamReader, wanted: bytes) -> None:
    found = await reader.readexactly(len(wanted))
    if found != wanted:
        raise RuntimeError(f"{found!r} instead of {wanted!r}")


async def _http(
    server: Server, address: _Address, folder: _Folder
) -> Callable[[], Awaitable[None]]:
    requests = [
        httpx.Request("POST", "http://ours", files=_parts(folder.images[at : at + _A_REQUEST]))
        for at in range(0, len(folder.images), _A_REQUEST)
    ]
    bodies = [(request.read(), dict(request.headers)) for request in requests]

    def post() -> None:
        connection = http.client.HTTPConnection(*server.address, timeout=_NEWS_SECONDS)
        for body, headers in bodies:
            connection.request("POST", f"/v1/collections/{folder.name}/images", body, headers)
            response = connection.getresponse()
            said = response.read()
            if response.status != http.client.CREATED:
                raise RuntimeError(f"{response.status}: {said[:500]!r}")
        connection.close()

    return lambda: asyncio.to_thread(post)


def _parts(images: Sequence[tuple[str, _Image]]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, image.data)) for name, image in images]


_WAYS: dict[str, _Client] = {"HTTP": _http, "framed": _framed, "pickle": _pickle}
