"""S3, and what speaks its protocol."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiobotocore.session import get_session
from botocore.handlers import add_expect_header
from fsspec.asyn import AsyncFileSystem

from service.remote.base import Entry
from service.remote.failures import CutOff, translated
from service.remote.objects import Objects, media_type_of, path_of
from service.remote.urls import Url
from service.storage_errors import too_large

_MOST_CONNECTIONS = 32
_PIECE = 1024 * 1024
_ONE_PUT = 5 * 2**30
"""Bytes that S3 takes in one request: nothing is left there of an upload that was cut off."""


class S3(Objects):
    """S3 with fewer requests: one for an image, one for its state, one for a page of a listing."""

    def _opened(self) -> AsyncFileSystem:
        files = super()._opened()
        files.retries = 1  # botocore asks again, and these would come on top of it
        return files

    def _arguments(self) -> dict[str, Any]:
        seconds = self._options.timeout
        retries = {"total_max_attempts": 1 + self._options.retries, "mode": "standard"}
        times = {"connect_timeout": seconds, "read_timeout": seconds}
        config = {**times, "retries": retries, "max_pool_connections": _MOST_CONNECTIONS}
        return {"config_kwargs": config, "session": _session()}

    async def _received(self, url: Url, most: int, count: int | None) -> bytes:
        async with self._stream(url) as (body, size):
            if size is not None and size > most:
                raise too_large(str(url), size, most)
            # One byte more than there is: at the end of the stream the client compares checksums.
            whole = 1 + (most if size is None else size)
            data = await _read(body, whole if count is None else min(whole, count))
        if len(data) > most:
            raise too_large(str(url), 0, most)
        if size is not None and len(data) < min(size, size if count is None else count):
            raise CutOff
        return data

    @asynccontextmanager
    async def _stream(self, url: Url) -> AsyncIterator[tuple[Any, int | None]]:
        """The stream of an object, and its bytes where the store says how many they are."""
        answer = await self._files._call_s3("get_object", Bucket=url.host, Key=url.path)
        async with answer["Body"] as body:
            yield body, answer.get("ContentLength")

    async def _put(self, url: Url, data: bytes) -> None:
        await self._files._pipe_file(
            path_of(url), data, chunksize=_ONE_PUT, ContentType=media_type_of(data)
        )

    async def _info(self, url: Url) -> Mapping[str, Any]:
        found = await self._files._call_s3("head_object", Bucket=url.host, Key=url.path)
        return {"size": found["ContentLength"], "type": "file", "ETag": found.get("ETag", "")}

    def entries(self, folder: Url) -> Iterator[Entry]:
        prefix = _prefix(folder)
        for page in self._pages(folder, Prefix=prefix, Delimiter="/"):
            for one in page.get("Contents", ()):
                yield Entry(one["Key"].removeprefix(prefix), False)
            for one in page.get("CommonPrefixes", ()):
                yield Entry(one["Prefix"].removeprefix(prefix)[:-1], True)

    def tree(self, folder: Url) -> Iterator[str]:
        prefix = _prefix(folder)
        for page in self._pages(folder, Prefix=prefix):
            for one in page.get("Contents", ()):
                yield one["Key"].removeprefix(prefix)

    def _pages(self, folder: Url, **asked: str) -> Iterator[Mapping[str, Any]]:
        while True:
            with translated(folder, "input", self._options):
                page = self._run(self._page, folder.host, asked)
            yield page
            token = page.get("NextContinuationToken") if page.get("IsTruncated") else None
            if token in (None, asked.get("ContinuationToken")):  # or it would go on for ever
                return
            asked["ContinuationToken"] = token

    async def _page(self, bucket: str, asked: Mapping[str, str]) -> Any:
        return await self._files._call_s3("list_objects_v2", Bucket=bucket, **asked)


def _session() -> Any:
    """A session that sends a result at once, and not when the store has said `100 Continue`.

    aiohttp waits for that without end, and some stores never say it.
    """
    session = get_session()
    session.unregister("before-call.s3", add_expect_header)
    return session


async def _read(body: Any, wanted: int) -> bytes:
    """`wanted` bytes of a stream, or what there is."""
    data = bytearray()
    while len(data) < wanted and (piece := await body.read(min(_PIECE, wanted - len(data)))):
        data += piece
    return bytes(data)


def _prefix(folder: Url) -> str:
    return f"{folder.path}/" if folder.path else ""
