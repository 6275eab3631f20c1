"""What the balancer that is shipped tells the servers, repeats, and limits."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service.settings import ServerSettings
from service.uvicorn_server import _KEEP_ALIVE_SECONDS
from tests.balancer import Balancer, needs_nginx, setting


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came, and the port of the connection that they came by."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps(found | {"port": self.client_address[1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def before(handler: type[BaseHTTPRequestHandler], folder: Path) -> Iterator[httpx2.Client]:
    """A client of a balancer before two servers with this handler, which are one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = ("127.0.0.1", server.server_address[1])
        with Balancer(folder, address, address) as balancer, balancer.client() as client:
            yield client
        server.shutdown()
        thread.join()


@pytest.fixture
def echoed(tmp_path: Path) -> Iterator[httpx2.Client]:
    with before(Echo, tmp_path) as client:
        yield client


@needs_nginx
@pytest.mark.parametrize(
    ("method", "body", "times"),
    [("GET", None, 2), ("DELETE", None, 2), ("PUT", b"x", 1), ("POST", None, 1), ("POST", b"x", 1)],
)
def test_what_a_server_may_have_done_is_not_asked_of_the_next(
    tmp_path: Path, method: str, body: bytes | None, times: int
) -> None:
    asked = []

    class Dying(BaseHTTPRequestHandler):
        """Takes a request, and closes the connection without an answer."""

        def handle_one_request(self) -> None:
            asked.append(self.rfile.readline().split()[0].decode())
            self.close_connection = True

    with before(Dying, tmp_path) as client:
        assert client.request(method, "/v1/jobs", content=body).status_code == 503
    assert asked == [method] * times


@needs_nginx
def test_servers_are_told_the_client_s_address_and_not_what_it_says_of_itself(
    echoed: httpx2.Client,
) -> None:
    lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Request-ID": "mine"}
    found = echoed.get("/", headers=lies).json()
    assert (found["x-forwarded-for"], found["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert found["x-request-id"] == "mine"
    # With the port: pages compare it to the origin of a form.
    assert found["host"] == f"127.0.0.1:{echoed.base_url.port}"


@needs_nginx
def test_connections_to_the_servers_are_used_again(echoed: httpx2.Client) -> None:
    # Each process of the balancer keeps connections of its own.
    ports = {echoed.get("/").json()["port"] for _ in range(20)}
    assert len(ports) <= 2


def test_limits_agree_with_those_of_the_servers() -> None:
    assert setting("client_max_body_size") == "64m"
    assert ServerSettings.model_fields["max_body"].default == 64 << 20
    assert seconds("keepalive_timeout") < _KEEP_ALIVE_SECONDS
    assert seconds("client_body_timeout") > ServerSettings.model_fields["body_timeout"].default
    assert seconds("proxy_read_timeout") > 300  # the longest `Prefer: wait`


def seconds(name: str) -> int:
    return int(setting(name).removesuffix("s"))
