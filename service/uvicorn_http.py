"""uvicorn's HTTP protocol, made safe against clients that do not read their answer.

It subclasses the protocol on h11, whose methods it relies on belong to the pinned release.
"""

import asyncio
import fcntl
import logging
import struct
import termios
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SEND_SECONDS = 30.0
"""A client that reads nothing of what waits for it for so long is gone, as for nginx's
`send_timeout`."""

ENDING_SECONDS = 1.0
"""The same when the server ends: others wait for it."""

_log = logging.getLogger("darkroom.http")


class HttpProtocol(H11Protocol):
    """One connection. Closing it would wait until the client has read all: it is cut off."""

    _timer: asyncio.TimerHandle | None = None
    _unread = 0
    _ending = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_again()

    def shutdown(self) -> None:
        self._ending = True
        super().shutdown()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._stop()
        self._unread = self._waiting()
        seconds = ENDING_SECONDS if self._ending else SEND_SECONDS
        self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        waiting = self._waiting()
        if waiting and waiting >= self._unread > 0:
            _log.info("the client is gone: it read nothing of %d bytes", waiting)
            self.transport.abort()
        elif waiting or self._ending:
            self._look_again()

    def _waiting(self) -> int:
        """Bytes that the client has not taken: ours, and those that the kernel holds.

        The kernel's alone show that a slow client reads: it takes more of ours in large steps.
        """
        held = 0
        opened: Any = self.transport.get_extra_info("socket")
        with suppress(OSError, ValueError):  # closed meanwhile, or a pipe
            answer = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
            held = struct.unpack("i", answer)[0]
        return self.transport.get_write_buffer_size() + held

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
