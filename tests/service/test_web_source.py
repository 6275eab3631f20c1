"""Images are read from web servers within limits of size and time, and by GET alone."""

from collections.abc import Iterator

import pytest

from service.remote import web
from service.storage_errors import (
    SourceNotFound,
    SourceTooLarge,
    SourceUnreadable,
)
from tests.service.web_reading import MOST, failure, fresh_connections, source
from tests.service.web_server import Reply, WebServer, head, moved, ok, status


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as found:
        yield found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_connections():
        yield


def test_the_content_is_what_the_server_has(server: WebServer) -> None:
    assert source().read(server.url("/whole", ok(b"picture")), MOST) == b"picture"


def test_a_request_says_who_asks_and_nothing_else(server: WebServer) -> None:
    source().read(server.url("/fields?w=1&h=%20", ok(b"picture")), MOST)
    (asked,) = server.requests("/fields")
    assert asked.path == "/fields?w=1&h=%20"
    assert asked.fields == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "darkroom",
        "accept": "image/*",
        "accept-encoding": "identity",
    }


def test_cookies_are_not_kept(server: WebServer) -> None:
    url = server.url("/cookie", ok(b"picture", "Set-Cookie: seen=1; Path=/"))
    for _ in range(2):
        source().read(url, MOST)
    assert all("cookie" not in asked.fields for asked in server.requests("/cookie"))


def test_no_proxy_of_the_environment_is_used(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert source().read(server.url("/direct", ok(b"picture")), MOST) == b"picture"


# --- size ---------------------------------------------------------------------------------------


def test_as_many_bytes_as_allowed_are_read(server: WebServer) -> None:
    assert len(source().read(server.url("/most", ok(bytes(MOST))), MOST)) == MOST


def test_a_length_above_the_limit_is_refused_before_the_content(server: WebServer) -> None:
    stalled = Reply(head(200, f"Content-Length: {MOST + 1}"), stalls=True)
    text = failure(SourceTooLarge, server.url("/long", stalled))
    assert f"has {MOST + 1} bytes; the limit is {MOST} (DARKROOM_MAX_IMAGE_BYTES)" in text


def test_content_without_a_length_is_counted_as_it_comes(server: WebServer) -> None:
    endless = Reply(head(200), drip=bytes(4096))
    text = failure(SourceTooLarge, server.url("/endless", endless))
    assert f"more than {MOST} bytes" in text
    assert server.left.acquire(timeout=10)


def test_content_in_chunks_is_counted_as_it_comes(server: WebServer) -> None:
    chunk = b"1000\r\n" + bytes(0x1000) + b"\r\n"
    endless = Reply(head(200, "Transfer-Encoding: chunked"), drip=chunk)
    failure(SourceTooLarge, server.url("/chunks", endless))
    assert server.left.acquire(timeout=10)


def test_compressed_content_is_refused(server: WebServer) -> None:
    url = server.url("/gzip", ok(b"\x1f\x8b", "Content-Encoding: gzip"))
    assert "compressed ('gzip')" in failure(SourceUnreadable, url)


@pytest.mark.parametrize(
    "content",
    [
        head(200, "Content-Length: 7") + b"pict",
        head(200, "Transfer-Encoding: chunked") + b"4\r\npict\r\n",
        head(200, "Transfer-Encoding: chunked") + b"7\r\npict",
    ],
)
def test_content_that_is_cut_off_is_an_error(server: WebServer, content: bytes) -> None:
    text = failure(SourceUnreadable, server.url("/cut", Reply(content)))
    assert "without sending complete message body" in text


@pytest.mark.parametrize(
    "content",
    [
        b"220 mail.example.com ESMTP\r\n",
        head(200, "Content-Length: -1"),
        head(200, "Content-Length: 1", "Content-Length: 2"),
        head(200, "Transfer-Encoding: chunked") + b"x\r\n",
        head(200, f"X: {'x' * 200_000}"),
        head(200, f"no field {'x' * 5000}"),
    ],
)
def test_what_is_not_http_is_an_error_of_bounded_length(server: WebServer, content: bytes) -> None:
    text = failure(SourceUnreadable, server.url("/other", Reply(content)))
    assert len(text) < 300


# --- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(head(200, "Content-Length: 9000"), drip=b"x"),
        Reply(b"HTTP/1.1 200 OK\r\nX: ", drip=b"x"),
        Reply(drip=head(102)),
    ],
    ids=["content", "head", "interim answers"],
)
def test_a_server_that_drips_is_left_when_the_time_is_over(server: WebServer, reply: Reply) -> None:
    text = failure(SourceUnreadable, server.url("/drip", reply), source(seconds=0.3))
    assert "more than 0.3 s (DARKROOM_HTTP_TIMEOUT)" in text
    assert server.left.acquire(timeout=10)


def test_all_redirects_share_the_time(server: WebServer) -> None:
    slow = Reply(head(302, "Location: /slow", "X: ")[:-4], drip=b"x")
    server.answers["/slow"] = slow
    text = failure(SourceUnreadable, server.url("/first", moved("/slow")), source(seconds=0.3))
    assert "DARKROOM_HTTP_TIMEOUT" in text


@pytest.mark.parametrize("sent", [b"", head(200, "Content-Length: 9") + b"pict"])
def test_a_server_that_says_nothing_more_is_left(
    server: WebServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(web, "STALL_SECONDS", 0.2)
    text = failure(SourceUnreadable, server.url("/silent", Reply(sent, stalls=True)))
    assert "nothing came for 0.2 s" in text


# --- statuses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_not_found(server: WebServer, code: int) -> None:
    text = failure(SourceNotFound, server.url("/gone", status(code)))
    assert f"the server answered {code}" in text


@pytest.mark.parametrize("code", [204, 206, 300, 304, 401, 403, 429, 500, 503, 599])
def test_other_statuses_are_named(server: WebServer, code: int) -> None:
    text = failure(SourceUnreadable, server.url("/status", status(code)))
    assert f"the server answered {code}" in text
    assert "Whatever" not in text
