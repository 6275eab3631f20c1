"""The opcodes that may be in a pickle from outside, and what each is followed by.

Source: `pickletools.opcodes` of Python, which describes protocols 0 to 5. Left out are those that
ask for an object by other means than its name (PERSID, BINPERSID, EXT1, EXT2, EXT4), that make
objects of classes in older ways (INST, OBJ) or with keywords (NEWOBJ_EX), that take buffers from
beside the pickle (NEXT_BUFFER, READONLY_BUFFER, BYTEARRAY8), and what no pickler writes for values
that do not contain themselves (POP, POP_MARK, DUP).
"""

import re
from typing import NamedTuple


class Layout(NamedTuple):
    """What follows an opcode: `fixed` bytes, or `lines` that each end with a newline.

    Where it is `counted`, the fixed bytes are the count, little-endian, of more bytes. `long` is a
    line that may be as long as the pickle.
    """

    name: str
    fixed: int = 0
    counted: bool = False
    lines: int = 0
    long: bool = False


OPCODES: dict[int, Layout] = {
    0x80: Layout("PROTO", 1),
    0x95: Layout("FRAME", 8),
    ord("."): Layout("STOP"),
    # containers
    ord("("): Layout("MARK"),
    ord(")"): Layout("EMPTY_TUPLE"),
    ord("t"): Layout("TUPLE"),
    0x85: Layout("TUPLE1"),
    0x86: Layout("TUPLE2"),
    0x87: Layout("TUPLE3"),
    ord("]"): Layout("EMPTY_LIST"),
    ord("l"): Layout("LIST"),
    ord("a"): Layout("APPEND"),
    ord("e"): Layout("APPENDS"),
    ord("}"): Layout("EMPTY_DICT"),
    ord("d"): Layout("DICT"),
    ord("s"): Layout("SETITEM"),
    ord("u"): Layout("SETITEMS"),
    0x8F: Layout("EMPTY_SET"),
    0x90: Layout("ADDITEMS"),
    0x91: Layout("FROZENSET"),
    # constants and numbers
    ord("N"): Layout("NONE"),
    0x88: Layout("NEWTRUE"),
    0x89: Layout("NEWFALSE"),
    ord("I"): Layout("INT", lines=1),
    ord("L"): Layout("LONG", lines=1),
    ord("F"): Layout("FLOAT", lines=1),
    ord("J"): Layout("BININT", 4),
    ord("K"): Layout("BININT1", 1),
    ord("M"): Layout("BININT2", 2),
    0x8A: Layout("LONG1", 1, counted=True),
    0x8B: Layout("LONG4", 4, counted=True),
    ord("G"): Layout("BINFLOAT", 8),
    # text and bytes
    ord("S"): Layout("STRING", lines=1, long=True),
    ord("T"): Layout("BINSTRING", 4, counted=True),
    ord("U"): Layout("SHORT_BINSTRING", 1, counted=True),
    ord("V"): Layout("UNICODE", lines=1, long=True),
    ord("X"): Layout("BINUNICODE", 4, counted=True),
    0x8C: Layout("SHORT_BINUNICODE", 1, counted=True),
    0x8D: Layout("BINUNICODE8", 8, counted=True),
    ord("B"): Layout("BINBYTES", 4, counted=True),
    ord("C"): Layout("SHORT_BINBYTES", 1, counted=True),
    0x8E: Layout("BINBYTES8", 8, counted=True),
    # the memo
    ord("p"): Layout("PUT", lines=1),
    ord("q"): Layout("BINPUT", 1),
    ord("r"): Layout("LONG_BINPUT", 4),
    0x94: Layout("MEMOIZE"),
    ord("g"): Layout("GET", lines=1),
    ord("h"): Layout("BINGET", 1),
    ord("j"): Layout("LONG_BINGET", 4),
    # names of classes, and what is made of them
    ord("c"): Layout("GLOBAL", lines=2),
    0x93: Layout("STACK_GLOBAL"),
    ord("R"): Layout("REDUCE"),
    0x81: Layout("NEWOBJ"),
    ord("b"): Layout("BUILD"),
}

MAX_PROTOCOL = 5
MAX_LINE = 1000
"""Bytes of a line that is not long: numbers and names."""

MAX_NUMBER = 255
"""Bytes of a whole number in binary."""

_IMAGES = re.compile(r"(?a:PIL\.\w{1,50} \w{0,50}ImageFile|PIL\.Image Image)")
_VALUES = frozenset(
    (
        "_codecs encode",  # how protocols below 3 write bytes
        "copy_reg _reconstructor",  # how protocols below 2 write objects
        "copyreg _reconstructor",
        "__builtin__ object",
        "builtins object",
        "__builtin__ bytes",
        "builtins bytes",
        "__builtin__ set",
        "builtins set",
        "__builtin__ frozenset",
        "builtins frozenset",
        "collections OrderedDict",
        "fractions Fraction",
        "pathlib PosixPath",
        "pathlib WindowsPath",
        "pathlib PurePosixPath",
        "pathlib PureWindowsPath",
        "pathlib._local PosixPath",
        "pathlib._local WindowsPath",
        "PIL.TiffImagePlugin IFDRational",
        "PIL.PngImagePlugin iTXt",
        "PIL.PngImagePlugin Blend",
        "PIL.PngImagePlugin Disposal",
    )
)
"""What the `info` of Pillow's images holds, beside plain values, and how it is written."""


def is_image(name: str) -> bool:
    """Whether `name`, a module and a class with a space between, is an image of Pillow."""
    return _IMAGES.fullmatch(name) is not None


def is_allowed(name: str) -> bool:
    """Whether a pickle may name it. Nothing is ever imported: it becomes an inert stand-in."""
    return name in _VALUES or is_image(name)
