"""What the opcodes push that stand for a value: made of the bytes behind the opcode."""

import codecs
import struct
from collections.abc import Callable
from typing import Any

_LARGE = 64 * 1024
_DOUBLE = struct.Struct(">d")


def text(view: memoryview) -> str:
    """Raises UnicodeDecodeError."""
    return str(view, "utf-8", "surrogatepass")


def _content(view: memoryview) -> bytes | memoryview:
    return view if len(view) > _LARGE else bytes(view)


def _signed(view: memoryview) -> int:
    return int.from_bytes(view, "little", signed=True)


def _unsigned(view: memoryview) -> int:
    return int.from_bytes(view, "little")


def _decimal(view: memoryview) -> int | bool:
    booleans = {b"00": False, b"01": True}
    return booleans[bytes(view)] if bytes(view) in booleans else int(bytes(view).rstrip(b"L"))


def _quoted(view: memoryview) -> bytes:
    """The `repr` of a string of Python 2."""
    line = bytes(view).strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError
    content: bytes = codecs.escape_decode(line[1:-1])[0]
    return content


VALUES: dict[str, Callable[[memoryview], Any]] = {
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "INT": _decimal,
    "LONG": _decimal,
    "FLOAT": lambda view: float(bytes(view)),
    "BININT": _signed,
    "BININT1": _unsigned,
    "BININT2": _unsigned,
    "LONG1": _signed,
    "LONG4": _signed,
    "BINFLOAT": lambda view: _DOUBLE.unpack(view)[0],
    "STRING": _quoted,
    "BINSTRING": _content,
    "SHORT_BINSTRING": _content,
    "UNICODE": lambda view: str(view, "raw-unicode-escape"),
    "BINUNICODE": text,
    "SHORT_BINUNICODE": text,
    "BINUNICODE8": text,
    "BINBYTES": _content,
    "SHORT_BINBYTES": _content,
    "BINBYTES8": _content,
}
"""What an opcode pushes, made of its argument."""
