"""Object stores through fsspec: S3, Google Cloud Storage, and Azure Blob Storage.

Credentials and endpoints are those of the environment, as each client reads them. Nothing of them
comes from a request. fsspec keeps instances and listings for later, which is turned off: they
would be of the past.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem, sync

from processors.errors import UnsupportedFormat
from processors.formats import FORMAT_TRAITS
from processors.probing import sniff
from service.remote.base import Entry, ObjectOptions, ObjectStore
from service.remote.failures import (
    CutOff,
    NoCredentials,
    is_cut_off,
    is_missing,
    translated,
)
from service.remote.urls import Url
from service.storage_errors import too_large

_PAUSE_SECONDS = 0.1
_VERSIONS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "created")


class Objects(ObjectStore):
    """What the stores have in common, by the interface that fsspec gives them all."""

    def __init__(self, scheme: str, options: ObjectOptions) -> None:
        self._scheme = scheme
        self._options = options
        self._client: AsyncFileSystem | None = None
        self._opening = Lock()

    @property
    def _files(self) -> AsyncFileSystem:
        """The client, one for all threads. Raises NoCredentials, and what the client raises."""
        with self._opening:
            if self._client is None:
                self._client = self._opened_or_refused()
            return self._client

    def _opened_or_refused(self) -> AsyncFileSystem:
        try:
            return self._opened()
        except ValueError:
            raise NoCredentials from None

    def _opened(self) -> AsyncFileSystem:
        return fsspec.filesystem(
            self._scheme, skip_instance_cache=True, use_listings_cache=False, **self._arguments()
        )

    def _arguments(self) -> dict[str, Any]:
        """Those of the client that are its own."""
        seconds = self._options.timeout
        if self._scheme == "az":
            return {"connection_timeout": seconds, "read_timeout": seconds}
        import aiohttp

        wait = aiohttp.ClientTimeout(sock_connect=seconds, sock_read=seconds)
        return {"token": "google_default", "requests_timeout": wait}

    def read(self, url: Url, most: int, count: int | None = None) -> bytes:
        with translated(url, "input", self._options):
            data: bytes = self._run(self._received_at_last, url, most, count)
        return data

    def write(self, url: Url, data: bytes) -> None:
        with translated(url, "output", self._options):
            self._run(self._put, url, data)

    def remove(self, url: Url) -> None:
        with translated(url, "output", self._options):
            self._run(self._remove, url)

    def state(self, url: Url) -> tuple[int, int]:
        with translated(url, "input", self._options):
            try:
                info = self._run(self._info, url)
            except Exception as error:
                if not is_missing(error):
                    raise
                return 0, 0
        return (0, 0) if info["type"] == "directory" else (int(info["size"]), _version(info))

    def entries(self, folder: Url) -> Iterator[Entry]:
        with translated(folder, "input", self._options):
            found = self._run(self._listed, folder)
        for info in found:
            name = str(info["name"]).rstrip("/").rpartition("/")[2]
            yield Entry(name, info["type"] == "directory")

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """What the coroutine gives, in the thread that fsspec has for its event loop."""
        return sync(self._files.loop, work, *arguments, timeout=self._options.total_timeout)

    async def _received_at_last(self, url: Url, most: int, count: int | None) -> bytes:
        """Again when it is cut off: a client asks again only until the first byte is there."""
        for _ in range(self._options.retries):
            try:
                return await self._received(url, most, count)
            except Exception as error:
                if not is_cut_off(error):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        return await self._received(url, most, count)

    async def _received(self, url: Url, most: int, count: int | None) -> bytes:
        """Raises StorageError, CutOff, and what the client raises."""
        info = await self._info(url)
        if info["type"] == "directory":
            raise FileNotFoundError
        size = int(info["size"])
        if size > most:
            raise too_large(str(url), size, most)
        wanted = size if count is None else min(size, count)
        if not wanted:
            return b""
        data: bytes = await self._files._cat_file(path_of(url), start=0, end=wanted)
        if len(data) != wanted:
            raise CutOff
        return data

    async def _put(self, url: Url, data: bytes) -> None:
        media = media_type_of(data)
        kind = {"content_settings": {"content_type": media}}
        await self._files._pipe_file(
            path_of(url), data, **(kind if url.scheme == "az" else {"content_type": media})
        )

    async def _remove(self, url: Url) -> None:
        await self._files._rm_file(path_of(url))

    async def _info(self, url: Url) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._files._info(path_of(url))
        return found

    async def _listed(self, folder: Url) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = await self._files._ls(path_of(folder), detail=True)
        except FileNotFoundError:
            return []
        # Of an object, fsspec lists itself.
        return [info for info in found if str(info["name"]).strip("/") != path_of(folder)]


def path_of(url: Url) -> str:
    """Bucket and key, without the scheme: fsspec would read a URL once more."""
    return f"{url.host}/{url.path}" if url.path else url.host


def media_type_of(data: bytes) -> str:
    try:
        return FORMAT_TRAITS[sniff(data)].media_type
    except UnsupportedFormat:
        return "application/octet-stream"


def _version(info: Mapping[str, Any]) -> int:
    """A number for what stands for the content: the entity tag, or the time of the last change."""
    found = next((str(info[name]) for name in _VERSIONS if info.get(name)), "")
    return int.from_bytes(hashlib.sha256(found.encode()).digest()[:8]) >> 1 or 1
