"""What a pickle holds: plain values, and stand-ins for objects. Nothing is imported or called.

Source: the opcodes' meanings are those of `pickletools.opcodes`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processors.errors import DamagedImage, ImageTooLarge, UnsupportedFormat
from processors.pickles.opcodes import OPCODES, Layout
from processors.pickles.scanner import PickleLimits, Scanner
from processors.pickles.values import VALUES, text

_LATIN = ("latin1", "latin-1")
_MAX_KEY = 0xFFFF


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle names, `module name`: one of those that are allowed, and never looked up."""

    text: str


@dataclass(eq=False, slots=True)
class Stand:
    """In place of an object: what its class is called, and what it would be made of."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


def read(data: bytes, limits: PickleLimits) -> Any:
    """The value of the one pickle that `data` is.

    Numbers, text, None, lists, tuples and dicts are themselves; bytes are bytes, or a memoryview
    of `data` where they are many; the rest is Stand and Name, a set too. A container may hold
    itself: a value has to be walked with a bound. Raises UnsupportedFormat, DamagedImage and
    ImageTooLarge.
    """
    scanner = Scanner(limits)
    if scanner.feed(data) != len(data) or not scanner.done:
        raise DamagedImage("the pickle ends too early, or something follows it")
    try:
        return _Reader(memoryview(data), limits).run()
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise DamagedImage("the pickle contradicts itself") from error


class _Reader:
    """The machine of a pickle: a stack, the stacks below its marks, and a memo.

    The arguments' lengths are those that the scanner has checked.
    """

    def __init__(self, data: memoryview, limits: PickleLimits) -> None:
        self._data = data
        self._at = 0
        self._limits = limits
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._made = 0

    def run(self) -> Any:
        while True:
            layout = OPCODES[self._data[self._at]]
            self._at += 1
            if layout.name == "STOP":
                return self._stack.pop()
            act = _ACTS.get(layout.name)
            if act is not None:
                act(self)
            else:
                self._stack.append(VALUES[layout.name](self._argument(layout)))

    def _argument(self, layout: Layout) -> memoryview:
        """The counted bytes, the fixed bytes, or one line."""
        start, count = self._at, layout.fixed
        if layout.lines:
            return self._line()
        if layout.counted:
            start += layout.fixed
            count = int.from_bytes(self._data[self._at : start], "little")
        self._at = start + count
        return self._data[start : self._at]

    def _line(self) -> memoryview:
        start, step = self._at, 256
        while True:
            found = bytes(self._data[self._at : self._at + step]).find(b"\n")
            if found >= 0:
                end = self._at + found
                self._at = end + 1
                return self._data[start:end]
            self._at += step
            step = min(2 * step, 1 << 20)

    def _fixed(self, count: int) -> int:
        self._at += count
        return int.from_bytes(self._data[self._at - count : self._at], "little")

    def _pass_by(self, count: int) -> None:
        self._at += count

    # --- containers ----------------------------------------------------------------------------

    def _mark(self) -> None:
        if len(self._below) >= self._limits.max_marks:
            raise ImageTooLarge(f"the pickle is nested deeper than {self._limits.max_marks}")
        self._below.append(self._stack)
        self._stack = []

    def _marked(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _gathered(self, made: Callable[[list[Any]], Any]) -> None:
        items = self._marked()
        self._stack.append(made(items))

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _append(self) -> None:
        item = self._stack.pop()
        self._top(list).append(item)

    def _appends(self) -> None:
        items = self._marked()
        self._top(list).extend(items)

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._fill(key, value)

    def _set_items(self) -> None:
        items = self._marked()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._fill(key, value)

    def _fill(self, key: Any, value: Any) -> None:
        if isinstance(self._stack[-1], Stand):
            return  # an OrderedDict, of which nothing is wanted
        self._top(dict)[_key(key)] = value

    def _dict(self) -> None:
        items = self._marked()
        pairs = zip(items[::2], items[1::2], strict=True)
        self._stack.append({_key(key): value for key, value in pairs})

    def _set(self) -> None:
        """A stand-in, of which nothing is wanted: what is in it is not hashed."""
        self._stack.append(Stand("builtins set"))

    def _add_items(self) -> None:
        self._marked()
        self._top(Stand)

    def _frozen_set(self) -> None:
        self._marked()
        self._set()

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise TypeError
        return self._stack[-1]

    # --- the memo ------------------------------------------------------------------------------

    def _put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def _get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    # --- objects -------------------------------------------------------------------------------

    def _global(self) -> None:
        self._named(f"{text(self._line())} {text(self._line())}")

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            raise TypeError
        self._named(f"{module} {name}")

    def _named(self, name: str) -> None:
        if not self._limits.allowed(name):
            raise UnsupportedFormat(f"the pickle names {name!r:.100}, which is no part of an image")
        self._stack.append(Name(name))

    def _reduce(self) -> None:
        arguments, called = self._popped()
        if called == "_codecs encode":
            self._stack.append(self._encoded(arguments))
        elif called.endswith(" _reconstructor") and isinstance(arguments[0], Name):
            self._stack.append(Stand(arguments[0].text))
        elif called.endswith(" bytes") and not arguments:
            self._stack.append(b"")
        else:
            self._stack.append(Stand(called, arguments))

    def _new(self) -> None:
        arguments, called = self._popped()
        self._stack.append(Stand(called, arguments))

    def _popped(self) -> tuple[tuple[Any, ...], str]:
        arguments, called = self._stack.pop(), self._stack.pop()
        if type(arguments) is not tuple or not isinstance(called, Name):
            raise TypeError
        return arguments, called.text

    def _encoded(self, arguments: tuple[Any, ...]) -> bytes:
        text, encoding = arguments
        if type(text) is not str or encoding not in _LATIN:
            raise TypeError
        self._made += len(text)
        if self._made > len(self._data):  # the same text again and again
            raise ImageTooLarge("the pickle makes more bytes than it has")
        return text.encode("latin-1")

    def _build(self) -> None:
        state = self._stack.pop()
        self._top(Stand).state = state


def _key(key: Any) -> str | bytes | int:
    """`key` if nobody can choose its hash: those of other numbers and of tuples can be made to
    collide, and a dict of n of them takes n² steps."""
    if isinstance(key, str | bytes) or (type(key) is int and 0 <= key <= _MAX_KEY):
        return key
    raise UnsupportedFormat(
        f"a dict of the pickle has a key that is no text, no bytes and no whole number from 0 to "
        f"{_MAX_KEY}"
    )


_ACTS: dict[str, Callable[[_Reader], None]] = {
    "PROTO": lambda one: one._pass_by(1),
    "FRAME": lambda one: one._pass_by(8),
    "MARK": _Reader._mark,
    "TUPLE": lambda one: one._gathered(tuple),
    "TUPLE1": lambda one: one._tuple(1),
    "TUPLE2": lambda one: one._tuple(2),
    "TUPLE3": lambda one: one._tuple(3),
    "LIST": lambda one: one._gathered(list),
    "APPEND": _Reader._append,
    "APPENDS": _Reader._appends,
    "DICT": _Reader._dict,
    "SETITEM": _Reader._set_item,
    "SETITEMS": _Reader._set_items,
    "EMPTY_SET": _Reader._set,
    "ADDITEMS": _Reader._add_items,
    "FROZENSET": _Reader._frozen_set,
    "PUT": lambda one: one._put(int(bytes(one._line()))),
    "BINPUT": lambda one: one._put(one._fixed(1)),
    "LONG_BINPUT": lambda one: one._put(one._fixed(4)),
    "MEMOIZE": lambda one: one._put(len(one._memo)),
    "GET": lambda one: one._get(int(bytes(one._line()))),
    "BINGET": lambda one: one._get(one._fixed(1)),
    "LONG_BINGET": lambda one: one._get(one._fixed(4)),
    "GLOBAL": _Reader._global,
    "STACK_GLOBAL": _Reader._stack_global,
    "REDUCE": _Reader._reduce,
    "NEWOBJ": _Reader._new,
    "BUILD": _Reader._build,
}
"""What an opcode does to the stack and the memo, where it does more than push."""
