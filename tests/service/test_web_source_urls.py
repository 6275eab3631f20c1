"""Images are read from web servers by allowed URLs only, through redirects too."""

from collections.abc import Iterator

import pytest

from service.remote.urls import parse, parse_root
from service.remote.web import WebSource
from service.storage_errors import PathRefused, SourceNotFound, SourceUnreadable
from tests.service.web_reading import MOST, failure, fresh_connections, source
from tests.service.web_server import WebServer, moved, ok, status


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as found:
        yield found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_connections():
        yield


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/target?x=1", "target?x=1", "//127.0.0.1:{port}/target?x=1"])
def test_a_redirect_is_followed(server: WebServer, code: int, location: str) -> None:
    server.answers["/target"] = ok(b"picture")
    url = server.url("/moved", moved(location.format(port=server.port), code))
    assert source().read(url, MOST) == b"picture"
    assert server.asked[-1].path == "/target?x=1"


def chain(server: WebServer, count: int) -> str:
    """The URL of an image behind so many redirects."""
    for number in range(count):
        server.answers[f"/chain/{number}"] = moved(f"/chain/{number + 1}")
    server.answers[f"/chain/{count}"] = ok(b"picture")
    return server.url("/chain/0")


def test_five_redirects_are_followed(server: WebServer) -> None:
    assert source().read(chain(server, 5), MOST) == b"picture"


def test_six_redirects_are_not(server: WebServer) -> None:
    assert "more than 5 redirects" in failure(SourceUnreadable, chain(server, 6))


def test_the_target_of_a_redirect_is_checked_before_it_is_asked_for(server: WebServer) -> None:
    text = failure(PathRefused, server.url("/leads", moved("/forbidden")))
    assert "/leads is redirected: that lies outside" in text
    assert server.requests("/forbidden") == []


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://[x",
        "//me:pw@127.0.0.1/",
        f"/{'x' * 5000}",
    ],
)
def test_a_redirect_to_what_is_no_image_of_the_web_is_refused(
    server: WebServer, target: str
) -> None:
    assert "is redirected: " in failure(PathRefused, server.url("/strange", moved(target)))


def test_a_redirect_to_nowhere_is_an_error(server: WebServer) -> None:
    assert "says not where to" in failure(SourceUnreadable, server.url("/empty", status(302)))


# --- URLs ---------------------------------------------------------------------------------------


def test_what_is_checked_is_the_usual_spelling(server: WebServer) -> None:
    seen: list[str] = []
    url = server.url("/b", ok(b"picture"))
    other = url.replace("http://127.0.0.1", "HTTP://0x7f.1").replace("/b", "/a/%2e%2E/x\\..\\b#c")
    WebSource(seen.append, 20, allow_private=True).read(other, MOST)
    assert [found.partition("#")[0] for found in seen] == [url]


@pytest.mark.parametrize("path", ["/a/..%2fb", "/a/..%5cb", "/a/..;x=1/b", "/a/%252e%252e%252fb"])
def test_a_path_in_which_a_server_may_find_the_way_up_is_refused(
    server: WebServer, path: str
) -> None:
    assert "goes up" in failure(PathRefused, server.url(path))


@pytest.mark.parametrize(
    "url", ["s3://bucket/key", "http://", "http://a b/", "x", "http://\ud800/"]
)
def test_what_is_no_url_of_the_web_is_refused(url: str) -> None:
    assert "is no URL of a web server" in failure(PathRefused, url)


def test_a_user_and_a_password_are_refused_and_not_repeated() -> None:
    text = failure(PathRefused, "http://me:secret@127.0.0.1/x")
    assert "leave out the user name" in text
    assert "secret" not in text


def test_a_query_is_not_repeated_as_it_may_be_a_key(server: WebServer) -> None:
    assert "secret" not in failure(SourceNotFound, server.url("/signed?key=secret", status(404)))
    text = failure(SourceNotFound, server.url("/signs", moved("/signed?key=secret")))
    assert "/signs (redirected to " in text
    assert "secret" not in text


# --- roots --------------------------------------------------------------------------------------


def allowed(root: str, url: str) -> bool:
    return parse_root(root).covers(parse(url))


@pytest.mark.parametrize(
    ("root", "url"),
    [
        ("https://images.example.com", "https://images.example.com/a.jpg"),
        ("https://images.example.com/", "HTTPS://Images.Example.com:443/a/b.jpg?w=1"),
        ("https://images.example.com/a", "https://images.example.com/b/../a/c.jpg"),
        ("https://images.example.com:8443", "https://images.example.com:8443/a.jpg"),
        ("https://*", "https://images.example.com/a.jpg"),
        ("https://*", "https://[2606:4700::1]/a.jpg"),
        ("http://*", "http://images.example.com:80/a.jpg"),
    ],
)
def test_a_url_below_a_root_is_allowed(root: str, url: str) -> None:
    assert allowed(root, url)


@pytest.mark.parametrize(
    ("root", "url"),
    [
        ("https://images.example.com", "http://images.example.com/a.jpg"),
        ("https://images.example.com", "https://images.example.com:8443/a.jpg"),
        ("https://images.example.com", "https://images.example.com.org/a.jpg"),
        ("https://images.example.com", "https://example.com\\@images.example.com/a.jpg"),
        ("https://images.example.com", "https://example.com#@images.example.com/a.jpg"),
        ("https://images.example.com", "https://cdn.images.example.com/a.jpg"),
        ("https://images.example.com/a", "https://images.example.com/ab.jpg"),
        ("https://images.example.com/a", "https://images.example.com/a/../b.jpg"),
        ("https://images.example.com/a", "https://images.example.com/a/%2e%2e/b.jpg"),
        ("https://images.example.com/a", "https://images.example.com//a/b.jpg"),
        ("https://*", "http://images.example.com/a.jpg"),
        ("https://*", "https://images.example.com:22/a.jpg"),
        ("https://*", "https://[2606:4700::1]:22/a.jpg"),
    ],
)
def test_a_url_elsewhere_is_not(root: str, url: str) -> None:
    assert not allowed(root, url)
