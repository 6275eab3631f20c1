"""Webhooks call no address that is not public, however it is written or resolved."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from fastapi.testclient import TestClient
from pydantic import HttpUrl

from service.jobs import webhooks
from service.jobs.webhooks import WebhookCaller
from service.network.addresses import AddressRefused, AddressRule, is_public
from service.network.connecting import CheckedBackend, tls_context
from tests.service.calling import client_of, given_up, webhook_refused
from tests.service.certificates import certificate_or_skip, server_side
from tests.service.receiver import PATIENCE, Receiver
from tests.service.test_jobs import batch, ended, submit

CLOSED = AddressRule("DARKROOM_WEBHOOK_ALLOW_PRIVATE")

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127.0.0.1\\@example.com",
    "127.0.0.1#@example.com",
    "0",
    "0.0.0.0",
    "10.1",
    "172.16.0.1",
    "192.168.257",
    "100.64.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:20::1]",
    "[2606:4700::5efe:127.0.0.1]",
    "[2606:4700::200:5efe:7f00:1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[100::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
]


@pytest.fixture(scope="module")
def closed_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An application with the defaults."""
    folder = tmp_path_factory.mktemp("closed")
    with client_of(folder, f"sqlite:///{folder / 'darkroom.db'}") as client:
        yield client


@pytest.mark.parametrize("host", SPELLINGS)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(
    closed_client: TestClient, host: str
) -> None:
    detail = webhook_refused(closed_client, f"http://{host}/hook")
    assert "DARKROOM_WEBHOOK_ALLOW_PRIVATE" in detail


LITERALS = [host.strip("[].") for host in SPELLINGS if re.fullmatch(r"[0-9a-fx.]+|\[.*\]", host)]
"""Those that a resolver takes for addresses."""


@pytest.mark.parametrize("host", LITERALS)
def test_an_address_that_is_not_public_is_refused_by_the_connection(host: str) -> None:
    with pytest.raises(AddressRefused):
        asyncio.run(CheckedBackend(CLOSED).connect_tcp(host, 80))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_public(ip_address(text))


def test_an_address_with_a_zone_is_refused() -> None:
    assert not is_public(ip_address("2606:4700:4700::1111%1"))


def test_a_name_of_this_machine_is_refused_by_the_connection(
    closed_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver() as receiver:
        url = f"http://localhost:{receiver.port}/hook"
        id = submit(closed_client, batch(closed_client, "rebound", webhook=url)).json()["id"]
        assert ended(closed_client, id)["state"] == "completed"
        (line,) = given_up(caplog, id)
        assert "no public address" in line
        assert receiver.calls.empty()


def test_a_name_of_this_machine_is_called_where_that_is_allowed() -> None:
    caller = WebhookCaller(lambda job: b"", allow_private=True)
    with Receiver() as receiver:
        url = HttpUrl(f"http://localhost:{receiver.port}/hook")
        asyncio.run(caller.call(url, {}, b"{}"))
        assert receiver.next().headers["Host"] == f"localhost:{receiver.port}"


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy, Receiver() as receiver:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        caller = WebhookCaller(lambda job: b"", allow_private=True)
        asyncio.run(caller.call(HttpUrl(receiver.url), {}, b"{}"))
        receiver.next()
        assert proxy.calls.empty()


def test_a_host_of_which_one_address_is_private_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_: object, port: int, **__: object) -> list[Any]:
        return [(0, 0, 0, "", (text, port)) for text in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(AddressRefused):
        asyncio.run(CheckedBackend(CLOSED).connect_tcp("example.com", 80))


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A certificate of localhost, which webhooks trust."""
    path = certificate_or_skip(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    tls_context.cache_clear()
    yield path
    tls_context.cache_clear()


def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(certificate: Path) -> None:
    caller = WebhookCaller(lambda job: b"", allow_private=True)
    with Receiver(tls=server_side(certificate)) as receiver:
        asyncio.run(caller.call(HttpUrl(f"https://localhost:{receiver.port}/"), {}, b"{}"))
        assert receiver.next().body == b"{}"
        with pytest.raises(httpcore.ConnectError, match="IP address mismatch"):
            asyncio.run(caller.call(HttpUrl(f"https://127.0.0.1:{receiver.port}/"), {}, b"{}"))


def test_a_resolver_that_hangs_holds_up_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def hang(*_: object, **__: object) -> None:
        let_go.wait(PATIENCE)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(webhooks, "ATTEMPT_SECONDS", 0.1)
    caller = WebhookCaller(lambda job: b"", allow_private=True)
    with pytest.raises(TimeoutError):
        asyncio.run(caller.call(HttpUrl("http://example.com/"), {}, b"{}"))
    let_go.set()
