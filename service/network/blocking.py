"""Connections as in connecting.py, for threads that may block, and with a limit on time.

The time limits of httpcore are for each call of a socket: a server that sends a byte now and then
keeps to them for ever. `time_limit` bounds all that its thread does with these connections.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from service.network.addresses import AddressRule
from service.network.connecting import CONNECT_SECONDS, MOST_ADDRESSES, SocketOption
from service.network.resolving import resolve

_end: ContextVar[float] = ContextVar("end")
"""When the time is over, by the monotonic clock."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Bound what is done inside: it raises httpcore.TimeoutException when the time is over.

    The connections of this module are to be used inside only.
    """
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def time_left() -> float:
    """Seconds until the end of the `time_limit` around, 0 when it is over."""
    return max(0.0, _end.get() - time.monotonic())


class BlockingBackend(httpcore.NetworkBackend):
    """Connects as httpcore does, to what `rule` allows, within the time limit of the caller."""

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises AddressRefused, also when only one of several addresses is refused."""
        addresses = _resolved(host, port, _remaining(timeout))
        self._rule.check(host, addresses)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                inner = self._inner.connect_tcp(
                    address, port, _remaining(CONNECT_SECONDS), local_address, socket_options
                )
                return LimitedStream(inner)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class LimitedStream(httpcore.NetworkStream):
    """A connection each of whose calls ends with the time limit of its caller."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _remaining(timeout)
        return LimitedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    try:
        return resolve(host, port).result(seconds)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"{host} is not resolved in time") from None


def _remaining(timeout: float | None) -> float:
    """Raises httpcore.ReadTimeout when there is no time left, as 0 would mean not to block."""
    left = time_left() if timeout is None else min(time_left(), timeout)
    if left <= 0:
        raise httpcore.ReadTimeout("the time is over")
    return left
