"""Object stores that are slow, cut off, or say no: a server whose answers are made by hand."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from service.jobs.walking import matches
from service.remote.s3 import S3
from service.storage import (
    SinkUnwritable,
    SourceNotFound,
    SourceTooLarge,
    SourceUnreadable,
    Storage,
    StorageError,
)
from tests.object_store import KEY_ID, MOST, SECRET, storage_of, using
from tests.service.web_server import Asked, Reply, WebServer, head, ok

SHORT = 0.3
"""Seconds."""

_numbers = count()


@dataclass(frozen=True)
class Spot:
    """A bucket of a test's own, with one object."""

    server: WebServer
    bucket: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/a.jpg"

    def answers(self, reply: Reply | list[Reply]) -> None:
        """What is said to who asks for the object."""
        self.server.url(f"/{self.bucket}/a.jpg", reply)

    def lists(self, reply: Reply | list[Reply]) -> None:
        """What is said to who asks for a listing."""
        self.server.url(f"/{self.bucket}", reply)

    @property
    def asked(self) -> list[Asked]:
        return self.server.requests(f"/{self.bucket}/a.jpg")

    @property
    def listed(self) -> list[Asked]:
        return self.server.requests(f"/{self.bucket}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with WebServer() as server, using(server.url(""), tmp_path_factory.mktemp("aws")):
        yield server
    storage.cache_clear()


@pytest.fixture
def spot(server: WebServer) -> Spot:
    return Spot(server, f"bucket-{next(_numbers)}")


@cache
def storage(timeout: float = 5.0, total: float = 10.0, retries: int = 0) -> Storage:
    """All buckets: a client takes a while to be made."""
    buckets = (f"s3://bucket-{number}" for number in range(50))
    return storage_of(*buckets, timeout=timeout, total=total, retries=retries)


def failure(kind: type[StorageError], url: str, found: Storage) -> str:
    """Why the object is not read."""
    with pytest.raises(StorageError) as raised:
        found.read(url)
    assert type(raised.value) is kind, raised.value
    return str(raised.value)


def refusal(status: int, code: str, message: str = "") -> Reply:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Reply(head(status, f"Content-Length: {len(body)}") + body, keeps=True)


def test_a_store_that_does_not_answer_is_given_up(spot: Spot) -> None:
    spot.answers(Reply(stalls=True))
    begun = time.monotonic()
    text = failure(SourceUnreadable, spot.url, storage(timeout=SHORT))
    assert time.monotonic() - begun < 5
    assert "the store did not answer within 0.3 s: try again, or raise DARKROOM_OBJECT_TIM" in text


def test_a_store_that_stops_in_the_middle_is_given_up(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Content-Length: 1000") + b"x" * 100, stalls=True))
    assert "within 0.3 s" in failure(SourceUnreadable, spot.url, storage(timeout=SHORT))


def test_a_store_that_drips_is_given_up_when_the_time_is_over(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Content-Length: 1000000"), drip=b"x"))
    assert "within 0.5 s" in failure(SourceUnreadable, spot.url, storage(total=0.5))
    assert spot.server.left.acquire(timeout=5)  # it does not go on behind our back


def test_connections_are_kept_for_the_next_object(spot: Spot) -> None:
    spot.answers(ok(b"content"))
    found = storage()
    assert [found.read(spot.url), found.read(spot.url)] == [b"content"] * 2
    first, second = spot.asked
    assert first.connection == second.connection


def test_threads_that_begin_at_once_share_a_client(
    spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[S3] = []
    open_one = S3._opened
    monkeypatch.setattr(S3, "_opened", lambda store: (opened.append(store), open_one(store))[1])
    spot.answers(ok(b"content"))
    fresh = storage_of(f"s3://{spot.bucket}")
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(fresh.read, [spot.url] * 8)) == {b"content"}
    assert len(opened) == 1


def test_an_object_that_does_not_fit_its_checksum_is_an_error(spot: Spot) -> None:
    spot.answers(ok(b"content", "x-amz-checksum-crc32: AAAAAA=="))
    assert "cut off" in failure(SourceUnreadable, spot.url, storage())


def page(*keys: str, more: str = "") -> Reply:
    """A page of a listing; `more` is the token of the next one."""
    found = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
    return ok(f"<ListBucketResult>{truncated}{token}{found}</ListBucketResult>".encode())


def test_two_stars_ask_for_a_tree_by_pages_and_not_by_folders(spot: Spot) -> None:
    spot.lists([page("b/2.jpg", "b/c/d/3.jpg", more="next"), page("b/x.png", "z.jpg")])
    found = list(matches(storage(), f"s3://{spot.bucket}/**/*.jpg"))
    assert found == [f"s3://{spot.bucket}/{key}" for key in ("z.jpg", "b/2.jpg", "b/c/d/3.jpg")]
    assert len(spot.listed) == 2


def test_a_listing_that_goes_on_for_ever_is_ended(spot: Spot) -> None:
    spot.lists(page("1.jpg", more="the same"))
    list(matches(storage(), f"s3://{spot.bucket}/*.jpg"))
    assert len(spot.listed) == 2


def test_a_listing_that_does_not_come_is_given_up(spot: Spot) -> None:
    spot.lists(Reply(stalls=True))
    with pytest.raises(SourceUnreadable, match=r"s3://bucket-\d+ cannot be read: .* within 0\.3 s"):
        list(matches(storage(timeout=SHORT), f"s3://{spot.bucket}/*.jpg"))


def test_a_result_that_is_not_taken_is_given_up(spot: Spot) -> None:
    spot.answers(Reply(stalls=True))
    with pytest.raises(SinkUnwritable, match=r"cannot be written: .* within 0\.3 s"):
        storage(timeout=SHORT).write(spot.url, [b"\r\n\r\n"], "token")


def test_an_object_that_is_cut_off_is_an_error(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Content-Length: 1000") + b"x" * 100))
    text = failure(SourceUnreadable, spot.url, storage())
    why = "the connection was cut off in the middle of the object: try again"
    assert text == f"{spot.url} cannot be read: {why}"


def test_an_object_that_was_cut_off_is_asked_for_again(spot: Spot) -> None:
    spot.answers([Reply(head(200, "Content-Length: 1000") + b"x" * 100), ok(b"y" * 1000)])
    assert storage(retries=1).read(spot.url) == b"y" * 1000


def test_a_store_that_is_busy_is_asked_again(spot: Spot) -> None:
    spot.answers([refusal(503, "SlowDown"), ok(b"content")])
    assert storage(retries=1).read(spot.url) == b"content"


def test_a_store_that_stays_busy_is_given_up(spot: Spot) -> None:
    spot.answers(refusal(503, "SlowDown"))
    text = failure(SourceUnreadable, spot.url, storage(retries=1))
    assert "asks for fewer requests (SlowDown): try again later" in text
    assert len(spot.asked) == 2


@pytest.mark.parametrize("user", ["", f"user:{SECRET}@"])
def test_a_store_that_is_away_is_told(tmp_path: Path, user: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with using(f"http://{user}127.0.0.1:{port}", tmp_path):
        text = failure(SourceUnreadable, "s3://away/a.jpg", storage_of("s3://away"))
    assert "the store cannot be reached: check the network and the endpoint of the service" in text
    assert str(port) not in text


def test_an_object_is_too_large_by_what_its_store_says(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Content-Length: 1000000000000"), stalls=True))
    begun = time.monotonic()
    text = failure(SourceTooLarge, spot.url, storage())
    assert "1000000000000 bytes" in text
    assert time.monotonic() - begun < 3


def test_an_object_of_unknown_size_is_read_up_to_the_limit_only(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Connection: close"), drip=b"x" * (MOST // 2)))
    assert f"more than {MOST} bytes" in failure(SourceTooLarge, spot.url, storage())
    assert spot.server.left.acquire(timeout=5)


def test_an_object_of_unknown_size_is_read(spot: Spot) -> None:
    spot.answers(Reply(head(200, "Connection: close") + b"content"))
    assert storage().read(spot.url) == b"content"


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (404, "NoSuchKey", SourceNotFound, "there is no object s3://bucket-"),
        (404, "NoSuchBucket", SourceNotFound, "there is no bucket s3://bucket-"),
        (403, "SignatureDoesNotMatch", SourceUnreadable, "does not accept the credentials"),
        (400, "ExpiredToken", SourceUnreadable, "does not accept the credentials (ExpiredToken)"),
        (500, "InternalError", SourceUnreadable, "the store has a fault of its own"),
        (403, "RequestTimeTooSkewed", SourceUnreadable, "the clock of the service is wrong"),
        (403, "InvalidObjectState", SourceUnreadable, "the object is in an archive"),
        (400, "AuthorizationHeaderMalformed", SourceUnreadable, "is of another region"),
        (418, "Teapot", SourceUnreadable, "the store refuses it (Teapot)"),
    ],
)
def test_what_a_store_says_no_with_is_told(
    spot: Spot, status: int, code: str, kind: type[StorageError], text: str
) -> None:
    spot.answers(refusal(status, code))
    assert text in failure(kind, spot.url, storage())


def test_nothing_of_what_a_store_says_reaches_an_answer_or_the_log(
    spot: Spot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"signed with {SECRET}: {spot.server.url('/x')}?X-Amz-Signature=abc"
    spot.answers(refusal(400, "Bad Code &amp; more", said))
    text = failure(SourceUnreadable, spot.url, storage())
    for secret in (SECRET, KEY_ID, "X-Amz-Signature", "AWS4-HMAC", "127.0.0.1", "Bad Code"):
        assert secret not in text
        assert secret not in caplog.text
