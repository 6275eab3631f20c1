"""The end of a pickle, found while its bytes come in."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from processors.errors import DamagedImage, ImageTooLarge, UnsupportedFormat
from processors.pickles.opcodes import (
    MAX_LINE,
    MAX_NUMBER,
    MAX_PROTOCOL,
    OPCODES,
    Layout,
    is_allowed,
)

_NEWLINE = b"\n"
_NUMBERS = ("LONG1", "LONG4")
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")


@dataclass(frozen=True, slots=True)
class PickleLimits:
    """What a pickle may have: bytes, opcodes (also the places of its memo and of the reader's
    stack), and marks that are open at once; and the names that are `allowed` in it.

    An image of Pillow has about 100 opcodes, 1600 with a palette of 256 colours, and nine more for
    each text of a PNG.
    """

    max_bytes: int
    max_opcodes: int = 8000
    max_marks: int = 100
    allowed: Callable[[str], bool] = is_allowed


class Scanner:
    """Walks over the opcodes of one pickle without doing what they say.

    A pickle has no length in front: it ends with its STOP. The walk holds no more of it than one
    short argument, and refuses what may not be in it before it has come in.
    """

    def __init__(self, limits: PickleLimits) -> None:
        self._limits = limits
        self.done = False
        self.size = 0
        """Bytes up to here."""
        self._opcodes = 0
        self._ahead = 0
        self._layout: Layout | None = None
        self._argument = bytearray()
        self._lines = 0

    @property
    def announced(self) -> int:
        """The bytes that the pickle has at least, from what it says of its parts."""
        return self.size + self._ahead

    @property
    def open_ended(self) -> bool:
        """Whether it is in a part that does not say how long it is."""
        return self._layout is not None and self._layout.long

    def feed(self, data: bytes, opcodes: int = sys.maxsize) -> int:
        """How many bytes of `data` belong to this pickle: all of them until it is `done`.

        It stops after so many `opcodes`: what is left of `data` has to be fed again. Raises
        UnsupportedFormat for what may not be in a pickle, ImageTooLarge for too much of it,
        DamagedImage for what is none.
        """
        at, end = 0, len(data)
        stop = self._opcodes + opcodes
        while at < end and not self.done and self._opcodes < stop:
            before = at
            if self._ahead:
                at = min(end, at + self._ahead)
                self._ahead -= at - before
            elif self._layout is None:
                self._begin(data[at])
                at += 1
            elif self._layout.lines:
                at = self._line(self._layout, data, at)
            else:
                at = self._fixed(self._layout, data, at)
            self.size += at - before
            self._check(self.announced)
        return at

    def _begin(self, code: int) -> None:
        layout = OPCODES.get(code)
        if layout is None:
            raise UnsupportedFormat(f"the opcode 0x{code:02x} may not be in the pickle of an image")
        self._opcodes += 1
        if self._opcodes > self._limits.max_opcodes:
            raise ImageTooLarge(f"the pickle has more than {self._limits.max_opcodes} opcodes")
        self.done = layout.name == "STOP"
        if layout.fixed or layout.lines:
            self._layout = layout
            self._argument.clear()
            self._lines = 0

    def _fixed(self, layout: Layout, data: bytes, at: int) -> int:
        part = data[at : at + layout.fixed - len(self._argument)]
        self._argument += part
        if len(self._argument) == layout.fixed:
            self._layout = None
            self._number(layout, int.from_bytes(self._argument, "little"))
        return at + len(part)

    def _line(self, layout: Layout, data: bytes, at: int) -> int:
        found = data.find(_NEWLINE, at)
        stop = len(data) if found < 0 else found
        if not layout.long:
            self._argument += data[at : min(stop, at + MAX_LINE + 1)]
            if len(self._argument) > MAX_LINE:
                raise ImageTooLarge(f"a line of the pickle has more than {MAX_LINE} bytes")
        if found < 0:
            return stop
        self._lines += 1
        if self._lines == layout.lines:
            self._layout = None
            self._text(layout)
        else:
            self._argument += b" "
        return found + 1

    def _number(self, layout: Layout, value: int) -> None:
        if layout.counted:
            if layout.name in _NUMBERS and value > MAX_NUMBER:
                raise ImageTooLarge(f"a number of the pickle has {value} bytes")
            self._ahead = value
        elif layout.name == "PROTO" and value > MAX_PROTOCOL:
            raise UnsupportedFormat(f"a pickle of protocol {value} is not known")
        elif layout.name == "FRAME":
            self._check(self.size + value)
        elif layout.name in _PUTS:
            self._check_place(value)

    def _text(self, layout: Layout) -> None:
        text = self._argument.decode("latin-1")
        if layout.name == "PUT":
            if not text.isdecimal():
                raise DamagedImage("a place in the memo of the pickle is no number")
            self._check_place(int(text[:20]))
        elif layout.name == "GLOBAL" and not self._limits.allowed(text):
            raise UnsupportedFormat(f"the pickle names {text!r:.100}, which is no part of an image")

    def _check_place(self, place: int) -> None:
        if place >= self._limits.max_opcodes:
            raise ImageTooLarge(f"the pickle has a place {place} in its memo")

    def _check(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise ImageTooLarge(
                f"the pickle has more than {self._limits.max_bytes} bytes, the limit"
            )
