"""uvicorn's WebSocket protocol, made safe against peers that do not read, answer or end.

It subclasses `websockets-sansio`, whose methods it relies on belong to the pinned release.
"""

import logging
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.protocol import State

PING_SECONDS = 15.0
"""A ping is sent so long after the last answer, and answered within the same time: a dead peer is
gone after 30 s."""

CLOSE_SECONDS = 2.0
"""What a peer has for its part of the closing handshake, and to read what was sent before."""

_SILENCE_SECONDS = 0.5

_log = logging.getLogger("darkroom.stream")


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSE_SECONDS
        self.conn.debug = False  # it would log the headers, keys among them
        self._heard = False
        self._unsent = 0
        self._joined = bytearray()
        self._last = 0.0

    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)

    def handle_cont(self, event: Frame) -> None:
        # A list of fragments would take fifty times the memory of fragments of one byte.
        if self.frames:
            self._joined = bytearray(self.frames.pop())
        self._joined += event.data
        if event.fin:
            self.frames, self._joined = [bytes(self._joined)], bytearray()
            self.send_receive_event_to_app()

    def send_receive_event_to_app(self) -> None:
        if self.close_sent or self.curr_msg_data_type == "bytes":
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._refuse_text(error)
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _refuse_text(self, error: UnicodeDecodeError) -> None:
        _log.info("the peer sent text that is not UTF-8: %s at byte %d", error.reason, error.start)
        if self.conn.state is State.OPEN:  # else its close frame came with the text
            self.conn.send_close(CloseCode.INVALID_DATA, "text is to be UTF-8")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        # Who sends pings and reads nothing would fill the memory with their answers.
        answer = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answer)

    def send_keepalive_ping(self) -> None:
        self._note()
        if not (self.close_sent or self.transport.is_closing()):
            super().send_keepalive_ping()
        elif self.ping_timeout is not None:
            # Closing waits until the peer has read what was sent, which it may never do.
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)

    def keepalive_timeout(self) -> None:
        """A peer that is merely slow lives: its pong may stand behind images that are not read
        yet for want of workers, or our ping behind results that it still reads."""
        assert self.ping_timeout is not None
        unsent = self.transport.get_write_buffer_size()
        if self._heard or unsent < self._unsent or (self.read_paused and self.writable.is_set()):
            self._note()
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
            return
        _log.info("the peer is gone: it answered nothing for %g s", self.ping_timeout)
        self.stop_keepalive()
        self.transport.abort()  # closing would wait until it has read what was sent

    def handle_parser_exception(self) -> None:
        """Say why with a close frame, and let what still comes in pass: a socket that is closed
        with bytes unread resets the connection, and the peer may never see the frame."""
        if self.close_sent:
            self._linger(_SILENCE_SECONDS)
            return
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._last = self.loop.time() + self.close_timeout
        self._linger(self.close_timeout)

    def _linger(self, seconds: float) -> None:
        """End the connection when nothing more comes for so long, or when it has had its time."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        moment = min(self._last, self.loop.time() + seconds)
        self.close_timer = self.loop.call_at(moment, self.transport.abort)

    async def receive(self) -> Any:
        message = await super().receive()
        self._heard = True  # what was held back until now says nothing of the peer
        return message

    async def send(self, message: Any) -> None:
        await self.writable.wait()
        if self.handshake_complete and self.close_sent:
            # uvicorn takes it for an error of the application, which cannot have known yet.
            raise ClientDisconnected
        await super().send(message)

    def _note(self) -> None:
        self._heard = False
        self._unsent = self.transport.get_write_buffer_size()
