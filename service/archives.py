"""Collections as files to download, made as they are read."""

import asyncio
import base64
import tempfile
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import IO

import numpy as np
from fastapi.responses import StreamingResponse

from processors.raw_pixels import RawPixels
from schemas.collections import CollectionImage
from service.engine.base import ItemResult, WorkItem
from service.engine.dispatch import Dispatcher
from service.errors import InvalidRequest
from service.store.base import CollectionStore
from service.transfer import InlineSink, InlineSource

NPZ = "application/x-npz"
_CHUNK = 256 * 1024
_BATCH = 256
"""Images whose pixels are worked out at a time."""


class _Pieces:
    """A file that can only be written to; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def take(self) -> bytes:
        written, self._written = self._written, []
        return b"".join(written)


async def zipped(images: AsyncIterator[CollectionImage]) -> AsyncGenerator[bytes, None]:
    """A ZIP of the images, stored: they do not shrink."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w") as archive:  # type: ignore[call-overload]
        async for image in images:
            archive.writestr(image.name, base64.b64decode(image.image_base64))
            yield pieces.take()
    yield pieces.take()


async def arrays(store: CollectionStore, dispatcher: Dispatcher, name: str) -> Iterator[bytes]:
    """The collection `name` as an .npz of `images`, uint8 or uint16, and `names`.

    The pixels are on disk before the first byte is given: only then is known how many there are.
    Raises NotStored, InvalidRequest when the images differ in shape, and a ProcessorError.
    """
    pixels = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        shapes, names = await _write_pixels(store, dispatcher, name, pixels)
        if len(shapes) > 1:
            found = ", ".join(sorted(map(str, shapes)))
            raise InvalidRequest(f"the images of {name!r} have several shapes: {found}")
        shape, depth = next(iter(shapes), ((90, 80), "uint8"))
    except BaseException:
        pixels.close()
        raise
    return _npz(pixels, names, (len(names), *shape), np.dtype(depth))


Shape = tuple[tuple[int, ...], str]


async def _write_pixels(
    store: CollectionStore, dispatcher: Dispatcher, name: str, pixels: IO[bytes]
) -> tuple[set[Shape], list[str]]:
    shapes: set[Shape] = set()
    names: list[str] = []
    async for batch in _batches(store.export(name)):
        results = await _pixels(dispatcher, batch)
        shapes |= await asyncio.to_thread(_append, results, pixels)
        names += [image.name for image in batch]
    return shapes, names


def _append(results: list[ItemResult], pixels: IO[bytes]) -> set[Shape]:
    """Write the pixels, and give their shapes. Raises the error of the first that has one."""
    shapes: set[Shape] = set()
    for result in results:
        if result.error is not None:
            raise result.error
        shape, depth, data = RawPixels.read(base64.b64decode(result.outputs[0].path))
        shapes.add((shape, depth))
        pixels.write(data)
    return shapes


async def _batches(
    images: AsyncIterator[CollectionImage],
) -> AsyncGenerator[list[CollectionImage], None]:
    batch: list[CollectionImage] = []
    async for image in images:
        batch.append(image)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _pixels(dispatcher: Dispatcher, batch: list[CollectionImage]) -> list[ItemResult]:
    items = [
        WorkItem(index, InlineSource(image.image_base64), InlineSink())
        for index, image in enumerate(batch)
    ]
    results = [result async for result in dispatcher.run(RawPixels(), items)]
    return sorted(results, key=lambda result: result.index)


def _npz(
    pixels: IO[bytes], names: list[str], shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> Iterator[bytes]:
    """It reads the disk: an iterator that is not asynchronous is read in a thread."""
    pieces = _Pieces()
    with pixels, zipfile.ZipFile(pieces, "w") as archive:  # type: ignore[call-overload]
        with archive.open("names.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.array(names, np.str_), allow_pickle=False)
        with archive.open("images.npy", "w", force_zip64=True) as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            pixels.seek(0)
            for chunk in _chunks(pixels):
                file.write(chunk)
                yield pieces.take()
    yield pieces.take()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def download(
    parts: AsyncIterator[bytes] | Iterator[bytes], media_type: str, name: str
) -> StreamingResponse:
    """An answer that browsers keep as a file called `name`, whatever it holds (RFC 6266)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}"
    headers = {"Content-Disposition": disposition}
    return StreamingResponse(parts, media_type=media_type, headers=headers)
