"""A file over HTTP, in as many parts as connections are lost.

What came is kept beside the file that it is to be, with the validator that the server gave, so that
a later run goes on as well. Source: RFC 9110, 13.1.5 (If-Range), 14.2 (Range), 14.4 (its answer).
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from service.cli.datasets.errors import ArchiveRefused, DatasetRefused, DownloadLost
from service.logs import escape
from service.units import MIB

MAX_BYTES = 1024 * MIB
_ATTEMPTS = 5
_FIRST_PAUSE = 0.2
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_BUSY = frozenset((408, 425, 429, 500, 502, 503, 504))
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

Changed = Callable[[int, int | None], None]
"""Called with the bytes that are there, and those that there will be, if that is known."""


class _Broken(Exception):
    """The connection ended too early."""


@dataclass
class _Part:
    """What has come of a file from one address. `validator` says which version of it that is."""

    path: Path
    url: str
    validator: str = ""

    @property
    def _notes(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that can be gone on with: none where nobody knows which version they are of."""
        return self.path.stat().st_size if self.validator and self.path.is_file() else 0

    def recall(self) -> None:
        """Take up what an earlier run has left, if it is of the same address."""
        try:
            notes = json.loads(self._notes.read_bytes())
            if notes["url"] == self.url:
                self.validator = str(notes["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            self.validator = ""

    def begin(self, validator: str) -> None:
        """Start anew with the version that `validator` names, if it is not empty."""
        self.forget()
        self.validator = validator
        self._notes.write_text(json.dumps({"url": self.url, "validator": validator}))

    def forget(self) -> None:
        self.validator = ""
        for path in (self.path, self._notes):
            path.unlink(missing_ok=True)


def download(url: str, target: Path, changed: Changed, limit: int = MAX_BYTES) -> None:
    """Fetch the file at `url` into `target`, whose folder is there.

    Raises DatasetRefused for an address that gives no file, DownloadLost when it breaks off again
    and again with nothing new, ArchiveRefused for more than `limit` bytes, and OSError.
    """
    part = _Part(target.with_name(f".{target.name}.part"), url)
    part.recall()
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers=headers) as client:
        tries, before = 0, part.size
        while (reason := _attempt(client, part, changed, limit)) is not None:
            tries = 1 if part.size > before else tries + 1
            before = part.size
            if tries >= _ATTEMPTS:
                raise DownloadLost(f"{url}: {reason}; the same command goes on where it was")
            time.sleep(_FIRST_PAUSE * 2**tries)
    part.path.replace(target)
    part.forget()


def _attempt(client: httpx.Client, part: _Part, changed: Changed, limit: int) -> str | None:
    """Fetch the rest. Gives the reason where it is not all there then."""
    try:
        headers = _going_on(part)
        with client.stream("GET", part.url, headers=headers) as answer:
            _check(answer, part)
            total = _total(answer, part)
            _check_size(part, total or 0, limit)
            _receive(answer, part, total, changed, limit)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise DatasetRefused(f"{part.url}: {error}") from None
    except httpx.TransportError as error:
        reason = escape(str(error)) or type(error).__name__
        if isinstance(error, httpx.ConnectError) and not part.size:
            raise DatasetRefused(f"{part.url} cannot be reached: {reason}") from None
        return reason
    except _Broken as error:
        return str(error)
    return None


def _going_on(part: _Part) -> dict[str, str]:
    size = part.size
    return {"Range": f"bytes={size}-", "If-Range": part.validator} if size else {}


def _check(answer: httpx.Response, part: _Part) -> None:
    """Make the part fit the answer: go on with it, or start anew.

    Raises DatasetRefused and _Broken.
    """
    status = answer.status_code
    said = f"the server answers {status} {answer.reason_phrase}"
    if status in _BUSY:
        raise _Broken(said)
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.forget()
        raise _Broken(said)
    if status == httpx.codes.PARTIAL_CONTENT:
        match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None or not part.size or int(match[1]) != part.size:
            part.forget()
            raise _Broken("the server sends another part than the one that was asked for")
    elif status == httpx.codes.OK:
        part.begin(_validator(answer))
    else:
        raise DatasetRefused(f"{part.url}: {said}")


def _validator(answer: httpx.Response) -> str:
    """What If-Range may name: a strong entity tag, or a date."""
    tag: str = answer.headers.get("ETag", "")
    if tag.startswith('"'):
        return tag
    modified: str = answer.headers.get("Last-Modified", "")
    return modified


def _total(answer: httpx.Response, part: _Part) -> int | None:
    """The length of the whole file, if the server says it."""
    if answer.status_code == httpx.codes.PARTIAL_CONTENT:
        match = _RANGE.fullmatch(answer.headers["Content-Range"])
        return int(match[3]) if match is not None and match[3] != "*" else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _receive(
    answer: httpx.Response, part: _Part, total: int | None, changed: Changed, limit: int
) -> None:
    with part.path.open("ab") as file:
        size = file.tell()
        changed(size, total)
        for data in answer.iter_raw():
            size += len(data)
            _check_size(part, size, limit)
            file.write(data)
            changed(size, total)
    if total is not None and size != total:
        raise _Broken(f"{size} of {total} bytes came")


def _check_size(part: _Part, size: int, limit: int) -> None:
    if size > limit:
        part.forget()
        raise ArchiveRefused(f"the archive has {size} bytes or more, the limit is {limit}")
