"""Images are read from public addresses only, and over TLS from who has the host's name."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.network import addresses
from service.network.addresses import Address
from service.network.connecting import tls_context
from service.remote.web import STALL_SECONDS
from service.storage_errors import PathRefused, SourceUnreadable, StorageError
from tests.service.certificates import certificate_or_skip, server_side
from tests.service.test_webhook_addresses import SPELLINGS
from tests.service.web_reading import MOST, PATIENCE, failure, fresh_connections, source
from tests.service.web_server import WebServer, moved, ok

resolver = socket.getaddrinfo
closed = source(allow_private=False)


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer() as found:
        yield found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_connections():
        yield


@pytest.mark.parametrize("host", [*SPELLINGS, "localhost", "LOCALHOST"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_that_is_not_public_is_refused_however_it_is_written(
    scheme: str, host: str
) -> None:
    text = failure(PathRefused, f"{scheme}://{host}/photo.jpg", closed)
    assert "DARKROOM_HTTP_ALLOW_PRIVATE=true" in text


def test_a_name_of_this_machine_with_a_dot_is_not_read(server: WebServer) -> None:
    url = server.url("/dot", ok(b"picture")).replace("127.0.0.1", "localhost.")
    with pytest.raises(StorageError):  # resolvers differ in whether they know it
        closed.read(url, MOST)
    assert server.requests("/dot") == []


def test_a_refused_address_is_not_connected_to(server: WebServer) -> None:
    failure(PathRefused, server.url("/never", ok(b"picture")), closed)
    assert server.requests("/never") == []


class Names:
    """A resolver that knows one name, `answers` for it in their order, and else literals."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def __call__(self, host: bytes | str, port: int, *more: Any, **options: Any) -> Any:
        if host != b"images.example.com":
            return resolver(host, port, *more, **options)
        found = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]


def test_what_a_name_has_led_to_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["10.1.2.3"]))
    text = failure(PathRefused, "http://images.example.com/x", closed)
    assert "images.example.com is, or leads to, no public address" in text
    assert "10.1.2.3" not in text


def test_a_host_of_which_one_address_is_private_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["8.8.8.8", "127.0.0.1"]))
    failure(PathRefused, "http://images.example.com/x", closed)


def public_here(address: Address) -> bool:
    return str(address) == "127.0.0.1"


def test_the_address_that_was_checked_is_connected_to(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", public_here)
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    url = server.url("/rebound", ok(b"picture")).replace("127.0.0.1", "images.example.com")
    assert closed.read(url, MOST) == b"picture"
    assert len(names.answers) == 1


def test_each_connection_is_checked_again(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", public_here)
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"], ["127.0.0.2"]))
    url = server.url("/twice", ok(b"picture")).replace("127.0.0.1", "images.example.com")
    assert closed.read(url, MOST) == b"picture"
    server.close_idle()
    failure(PathRefused, url, closed)


def test_a_redirect_to_an_address_that_is_not_public_is_refused(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", public_here)
    inside = f"http://127.0.0.2:{server.port}/secret"
    text = failure(PathRefused, server.url("/out", moved(inside)), closed)
    assert f"(redirected to {inside}) may not be read" in text


def test_a_connection_to_a_private_address_is_not_kept_for_who_may_not(server: WebServer) -> None:
    url = server.url("/shared", ok(b"picture"))
    source().read(url, MOST)
    failure(PathRefused, url, closed)


def test_the_next_address_of_a_name_is_tried(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.2", "127.0.0.1"]))
    url = server.url("/next", ok(b"picture")).replace("127.0.0.1", "images.example.com")
    assert source().read(url, MOST) == b"picture"


def test_a_resolver_that_hangs_is_left_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go = threading.Event()

    def hang(*_: object, **__: object) -> None:
        let_go.wait(PATIENCE)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    text = failure(SourceUnreadable, "http://images.example.com/x", source(seconds=0.2))
    assert "DARKROOM_HTTP_TIMEOUT" in text
    let_go.set()


def test_a_name_that_is_not_there_is_an_error() -> None:
    assert "cannot be resolved" in failure(SourceUnreadable, "http://nobody..example/x")


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_or_skip(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(certificate: Path) -> Iterator[WebServer]:
    with WebServer(server_side(certificate)) as found:
        yield found


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


def named(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


@pytest.mark.usefixtures("trusted")
def test_an_image_is_read_over_tls(secure: WebServer) -> None:
    url = named(secure.url("/tls", ok(b"picture")))
    assert source().read(url, MOST) == b"picture"
    assert secure.asked[-1].fields["host"] == f"localhost:{secure.port}"


@pytest.mark.usefixtures("trusted")
def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(secure: WebServer) -> None:
    text = failure(SourceUnreadable, secure.url("/address", ok(b"picture")))
    assert "IP address mismatch" in text


def test_a_certificate_of_nobody_is_refused(secure: WebServer) -> None:
    text = failure(SourceUnreadable, named(secure.url("/nobody", ok(b"picture"))))
    assert "certificate verify failed" in text


@pytest.mark.usefixtures("trusted")
def test_a_redirect_from_https_to_http_is_refused(secure: WebServer, server: WebServer) -> None:
    plain = server.url("/plain", ok(b"picture"))
    text = failure(PathRefused, named(secure.url("/down", moved(plain))))
    assert "redirected from https to http" in text
    assert server.requests("/plain") == []


@pytest.mark.usefixtures("trusted")
def test_a_redirect_from_http_to_https_is_followed(secure: WebServer, server: WebServer) -> None:
    target = named(secure.url("/up", ok(b"picture")))
    assert source().read(server.url("/lower", moved(target)), MOST) == b"picture"


def test_a_handshake_that_never_ends_is_left_when_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x"
        begun = time.monotonic()
        assert "DARKROOM_HTTP_TIMEOUT" in failure(SourceUnreadable, url, source(seconds=0.2))
        assert time.monotonic() - begun < STALL_SECONDS / 2
