"""Connections to allowed addresses only, checked on the address that is connected to.

A host name is resolved once, and what it resolved to is connected to: a name that resolves
otherwise a moment later (DNS rebinding) gains nothing. TLS checks the certificate for the name.
"""

import asyncio
import ssl
from collections.abc import Iterable
from functools import cache

import httpcore

from service.network.addresses import AddressRule
from service.network.resolving import resolve

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)

MOST_ADDRESSES = 4
"""That are tried; a host with many gets no more of an attempt's time than others."""

CONNECT_SECONDS = 3.0
"""For one of them."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects as httpcore does, to what `rule` allows."""

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the contract of httpcore
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefused, also when only one of several addresses is refused."""
        addresses = await asyncio.wrap_future(resolve(host, port))
        self._rule.check(host, addresses)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(
                    address, port, CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


@cache
def tls_context() -> ssl.SSLContext:
    """Made once: it reads the certificates of a hundred authorities, and those of SSL_CERT_FILE."""
    return httpcore.default_ssl_context()
