"""The library: what is in the folder, kept in the store.

What the index says of an image is worked out by the workers, from the header and the bytes; for
the perceptual hash the image is decoded, at reduced size where it can be.
"""

import asyncio
import base64
from collections.abc import Iterator, Sequence

import numpy as np

from processors.fingerprint import Fingerprint, FingerprintFacts
from schemas.library import KnownFile, LibraryImage, ScanFailure, ScanReport, SimilarImage
from service.engine.base import ItemResult, WorkItem
from service.engine.dispatch import Dispatcher
from service.library.folder import Folder, ImageFile
from service.problems import problem_of
from service.store.base import ImageStore, NotStored
from service.transfer import InlineSink, MemoryFile, MemorySource

_STORED_AT_ONCE = 500
_MOST_FAILURES = 100
"""Told by name; the others are counted."""


class Library:
    """A folder of images and its index. It belongs to no event loop."""

    def __init__(self, folder: Folder, images: ImageStore, dispatcher: Dispatcher) -> None:
        self.folder = folder
        self.images = images
        self._dispatcher = dispatcher

    async def scan(self) -> ScanReport:
        """Bring the index up to date: files that are as they were are not read again.

        A file that is no image fails alone. Raises StoreError and EngineClosed; what was stored
        by then stays, and the next scan goes on behind it.
        """
        files = {file.id: file for file in await asyncio.to_thread(_list, self.folder)}
        known = {one.id: one for one in await self.images.known()}
        new = [file for file in files.values() if _changed(file, known.get(file.id))]
        failures = await self._index(new)
        gone = [id for id in known if id not in files]
        # What cannot be read any more is not in the library any more.
        broken = [file.id for file, _ in failures if file.id in known]
        await self.images.remove([*gone, *broken])
        return ScanReport(
            added=sum(file.id not in known for file in new)
            - sum(file.id not in known for file, _ in failures),
            changed=sum(file.id in known for file in new) - len(broken),
            removed=len(gone) + len(broken),
            unchanged=len(files) - len(new),
            failed=len(failures),
            failures=[
                ScanFailure(path=file.path, error=problem_of(error))
                for file, error in failures[:_MOST_FAILURES]
            ],
        )

    async def add(self, name: str, held: MemoryFile) -> LibraryImage:
        """Keep the image that `held` holds under a safe form of `name`.

        Raises what the image's processing would raise, StoreError and StorageError; then nothing
        stays.
        """
        item = WorkItem(0, MemorySource(held.path), InlineSink())
        result = await self._dispatcher.run_one(Fingerprint(strict=True), item)
        if result.error is not None:
            raise result.error
        facts = _facts(result)
        file = await asyncio.to_thread(self.folder.add, name, facts.format, held)
        image = _image(file, facts)
        try:
            await self.images.put([image])
        except BaseException:
            await asyncio.to_thread(self.folder.remove, file.path)
            raise
        return image

    async def remove(self, id: str) -> None:
        """Remove an image and its file. Raises NotStored, StoreError and StorageError."""
        image = await self.images.get(id)
        await asyncio.to_thread(self.folder.remove, image.path)
        await self.images.remove([id])

    async def similar(self, id: str, most: int, distance: int) -> list[SimilarImage]:
        """Up to `most` other images whose hashes differ in `distance` bits or less, nearest first.

        Raises NotStored.
        """
        image = await self.images.get(id)
        if image.perceptual_hash is None:
            return []
        hashes = await self.images.hashes()
        near = await asyncio.to_thread(_near, hashes, int(image.perceptual_hash, 16), distance)
        found = [(other, bits) for other, bits in near if other != id][:most]
        images = await asyncio.gather(*(self._maybe(other) for other, _ in found))
        return [
            SimilarImage(distance=bits, image=other)
            for other, (_, bits) in zip(images, found, strict=True)
            if other is not None
        ]

    async def _maybe(self, id: str) -> LibraryImage | None:
        try:
            return await self.images.get(id)
        except NotStored:
            return None  # removed just now

    async def _index(self, files: Sequence[ImageFile]) -> list[tuple[ImageFile, Exception]]:
        """Store what is found out about `files`; gives those that are no images, and why."""
        failures: list[tuple[ImageFile, Exception]] = []
        waiting: list[LibraryImage] = []
        items = _Items(self.folder, files)
        async for result in self._dispatcher.run(Fingerprint(), items):
            file = files[result.index]
            if result.error is not None:
                failures.append((file, result.error))
                continue
            waiting.append(_image(file, _facts(result)))
            if len(waiting) >= _STORED_AT_ONCE:
                await self.images.put(waiting)
                waiting = []
        await self.images.put(waiting)
        return failures


class _Items:
    """Files as work items, made as they are read."""

    def __init__(self, folder: Folder, files: Sequence[ImageFile]) -> None:
        self._folder = folder
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[WorkItem]:
        for index, file in enumerate(self._files):
            yield WorkItem(index, self._folder.source(file.path), InlineSink())


def _list(folder: Folder) -> list[ImageFile]:
    return list(folder.files())


def _changed(file: ImageFile, known: KnownFile | None) -> bool:
    return known is None or (file.bytes, file.modified) != (known.bytes, known.modified)


def _facts(result: ItemResult) -> FingerprintFacts:
    (output,) = result.outputs
    return FingerprintFacts.from_json(base64.b64decode(output.path))


def _image(file: ImageFile, facts: FingerprintFacts) -> LibraryImage:
    return LibraryImage(
        id=file.id,
        path=file.path,
        width=facts.width,
        height=facts.height,
        megapixels=facts.width * facts.height / 1e6,
        format=facts.format,
        bytes=file.bytes,
        channels=facts.channels,
        bit_depth=facts.bit_depth,
        modified=file.modified,
        sha256=facts.sha256,
        perceptual_hash=facts.perceptual_hash,
    )


def _near(hashes: list[tuple[str, str]], wanted: int, most: int) -> list[tuple[str, int]]:
    """The ids whose hashes differ from `wanted` in `most` bits or less, nearest first."""
    values = np.array([int(text, 16) for _, text in hashes], np.uint64)
    bits = np.bitwise_count(values ^ np.uint64(wanted))
    order = np.argsort(bits, kind="stable")
    return [(hashes[at][0], int(bits[at])) for at in order if bits[at] <= most]
