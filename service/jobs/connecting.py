"""Connections to public addresses only, checked on the address that is connected to.

A host name is resolved once, and what it resolved to is connected to: a name that resolves
otherwise a moment later (DNS rebinding) gains nothing. TLS checks the certificate for the name.
"""

import asyncio
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future

import httpcore

from service.jobs.addresses import check_address

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)

_MOST_ADDRESSES = 4
"""That are tried; a host with many gets no more of an attempt's time than others."""

_CONNECT_SECONDS = 3.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects as httpcore does, after `check_address` unless private addresses are allowed."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
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
        addresses = await resolve(host, port)
        if not self._allow_private:
            for address in addresses:
                check_address(address)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(
                    address, port, _CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises httpcore.ConnectError.

    In a thread that nothing waits for at the end of the process: a resolver may take half a minute.
    """
    found: Future[list[str]] = Future()
    threading.Thread(target=_resolve, args=(host, port, found), name="resolve", daemon=True).start()
    return await asyncio.wrap_future(found)


def _resolve(host: str, port: int, found: Future[list[str]]) -> None:
    if not found.set_running_or_notify_cancel():
        return
    try:
        # As bytes, the name is not encoded once more.
        answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(address[0]) for *_, address in answers)))
    except (OSError, ValueError) as error:
        found.set_exception(httpcore.ConnectError(f"{host} cannot be resolved: {error}"))
