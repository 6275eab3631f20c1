"""Pickles that try to run code, to take memory or time, or to crash who reads them."""

import pickle
import random
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image as Pillow

from processors.pickles.opcodes import OPCODES
from tests.samples import photograph

COUNT = 1000

_CALLS = (
    *("os system", "posix system", "nt system", "subprocess call", "subprocess getoutput"),
    *("os popen", "pty spawn", "commands getoutput", "asyncio.subprocess create_subprocess_shell"),
    *("builtins eval", "builtins exec", "__builtin__ eval", "__builtin__ execfile"),
    *("builtins __import__", "builtins getattr", "builtins open", "builtins compile"),
    *("importlib import_module", "runpy run_path", "timeit timeit", "code interact"),
    *("pickle loads", "_pickle loads", "functools partial", "operator attrgetter"),
    *("types FunctionType", "types CodeType", "marshal loads", "ctypes CDLL", "shelve open"),
    *("pathlib Path", "pathlib Path.touch", "PIL.Image open", "PIL.ImageMath unsafe_eval"),
    *("PIL.Image Image.open", "PIL.JpegImagePlugin jpeg_factory", "PIL os.system"),
    *("PIL.ImageFile os.ImageFile", "PIL.Image.core open", "_codecs decode", "copyreg __newobj__"),
    *("numpy.testing._private.utils runstring", "cv2 imwrite", "service.app create_app"),
)
_PYTHON = ("eval", "exec", "timeit", "runstring", "interact", "unsafe_eval")


def state(
    mode: object = "RGB",
    size: object = (2, 2),
    palette: object = None,
    data: object = bytes(12),
    info: object = (),
) -> list[object]:
    return [dict(info) if info == () else info, mode, size, palette, data]  # type: ignore[call-overload]


def of_state(value: object) -> bytes:
    """A pickle of an image with that state."""
    inner = pickle.dumps(value, 2)[2:-1]
    return b"\x80\x02cPIL.Image\nImage\n)\x81" + inner + b"b."


def good(width: int = 16, height: int = 12) -> Pillow.Image:
    image = Pillow.fromarray(photograph(width, height)[..., ::-1].copy())
    image.info = {"dpi": (72, 72), "exif": b"Exif\0\0II*\0", "comment": b"x"}
    return image


def hostile(canary: Path) -> Iterator[bytes]:
    """COUNT of them, the same in each run. One that ran would leave a file at `canary`."""
    found = [*_running(canary), *_forbidden(), *_bombs(), *_wrong_states()]
    chance = random.Random(7)
    whole = [pickle.dumps(good(), protocol) for protocol in range(6)]
    while len(found) < COUNT:
        data = chance.choice(whole)
        found.append(mutated(data, chance, only_broken=True))
    yield from found[:COUNT]


def mutated(data: bytes, chance: random.Random, only_broken: bool = False) -> bytes:
    """`data` with some bytes changed, left out, repeated, or put elsewhere."""
    changed = bytearray(data)
    if only_broken:  # cut before its end, so that it never is an image
        return bytes(changed[: chance.randrange(1, len(changed))]) + chance.randbytes(4) + b"\xff"
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(max(1, len(changed)))
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + chance.randint(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + chance.randint(1, 16)]
            case 3:
                changed[at:at] = bytes([chance.choice([*OPCODES])])
            case _:
                del changed[at:]
    return bytes(changed)


def _running(canary: Path) -> Iterator[bytes]:
    for call in _CALLS:
        module, name = call.encode().split(b" ")
        code = f"open({str(canary)!r}, 'w')"
        command = code if name.decode() in _PYTHON else f"touch {canary}"
        text = command.encode()
        argument = b"X" + struct.pack("<I", len(text)) + text + b"\x85"
        named = b"c" + module + b"\n" + name + b"\n"
        stacked = b"".join(b"\x8c" + bytes([len(part)]) + part for part in (module, name)) + b"\x93"
        line = text.replace(b"'", b'"')
        yield named + b"(V" + text + b"\ntR."
        yield b"\x80\x02" + named + argument + b"R."
        yield b"\x80\x04" + stacked + argument + b"R."
        yield b"\x80\x04" + stacked + argument + b"\x81."
        yield b"\x80\x04" + stacked + argument + b"}\x92."
        yield b"(S'" + line + b"'\ni" + module + b"\n" + name + b"\n."
        yield b"(" + named + b"X" + struct.pack("<I", len(text)) + text + b"o."
        # in the `info` of an image, behind names from the memo, as its state's maker
        yield of_state(state())[:-2] + b"0" + named + argument + b"Rb."
        yield b"\x80\x04" + stacked + b"\x940h\x00" + argument + b"R."
        yield b"\x80\x02cPIL.Image\nImage\n" + named + argument + b"R\x81."
        yield b"\x80\x02cPIL.Image\nImage\n)\x81}X\x0c\x00\x00\x00__setstate__" + named + b"sb."
        yield b"\x80\x02c_codecs\nencode\n" + named + argument + b"R."


def _forbidden() -> Iterator[bytes]:
    for code in range(256):
        if code not in OPCODES:
            yield bytes([code]) + b"os\nsystem\n."
            yield b"\x80\x04]" + bytes([code]) + bytes(9) + b"a."


def _bombs() -> Iterator[bytes]:
    for count in (2**31 - 1, 2**31, 2**32 - 1, 300_000_000):
        four = struct.pack("<I", count)
        yield from (b"\x80\x02" + code + four + b"." for code in (b"X", b"B", b"T", b"\x8b"))
        yield b"\x80\x02]r" + four + b"."
        yield b"\x80\x02]j" + four + b"."
        yield b"]p" + str(count).encode() + b"\n."
    for count in (2**40, 2**62, 2**63, 2**64 - 1):
        eight = struct.pack("<Q", count)
        yield from (b"\x80\x04" + code + eight + b"." for code in (b"\x8d", b"\x8e", b"\x95"))
    yield b"(" * 40_000 + b"t" * 40_000 + b"."
    yield b"]" * 20_000 + b"a" * 19_999 + b"."
    yield b")" + b"\x85" * 40_000 + b"."
    yield b"}" + b")" + b"\x85" * 40_000 + b"Ns."
    yield b"]" * 100_000 + b"."
    yield b"N\x94" * 100_000 + b"."
    yield b"V" + b"\\u0041" * 50 + b"\n" + b"I" + b"9" * 100_000 + b"\n."
    yield b"I" + b"9" * 900 + b"\n."
    yield b"c" + b"a" * 100_000
    yield b"L" + b"1" * 2000
    # whole numbers whose hashes are all 0, where hashes would be taken
    equal = b"".join(b"\x8a\x0a" + (n * (2**61 - 1)).to_bytes(10, "little") for n in range(1, 2000))
    yield b"\x80\x04\x8f(" + equal + b"\x90."
    yield b"\x80\x04(" + equal + b"\x91."
    yield b"\x80\x04}(" + equal[:-12] + b"u."
    # each list holds the one before ten times
    yield (
        b"]q\x00"
        + b"".join(
            b"]("
            + b"h"
            + bytes([n]) * 1
            + b"h" * 0
            + (b"h" + bytes([n])) * 9
            + b"eq"
            + bytes([n + 1])
            for n in range(40)
        )
        + b"."
    )
    text = b"X" + struct.pack("<I", 20_000) + b"a" * 20_000
    yield (
        text
        + b"q\x00]q\x010"
        + (b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R") * 4000
        + b"."
    )
    yield text + b"q\x00" + b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R" * 4000 + b"."
    yield from (
        b"]q\x00h\x00a.",
        b"}q\x00h\x00h\x00s.",
        b"(]q\x00h\x00ate.",
        b"]q\x00(h\x00h\x00e.",
    )
    yield b"\x80\x02cPIL.Image\nImage\n)\x81q\x00h\x00b."
    yield b"\x80\x02cPIL.Image\nImage\n)\x81q\x00](h\x00h\x00h\x00h\x00h\x00eb."
    yield b"\x80\x02cPIL.Image\nImage\n)\x81]q\x00(h\x00h\x00h\x00h\x00h\x00eb."


def _wrong_states() -> Iterator[bytes]:
    sizes: list[object] = [
        *((10**9, 10**9), (2**31, 1), (65_535, 65_535), (0, 0), (-2, -2), (2,), (2, 2, 2)),
        *((2.0, 2.0), ("2", "2"), (True, True), None, 4, (None, None), (2**70, 2), (3, 2)),
    ]
    modes: list[object] = ["", "F", "rgb", "RGB\0", "x" * 10_000, None, 5, ["RGB"], "BGR;15", "La"]
    for size in sizes:
        yield of_state(state(size=size))
    for mode in modes:
        yield of_state(state(mode=mode))
    for data in (b"", bytes(11), bytes(13), bytes(10_000), "text", None, [0] * 12, 12):
        yield of_state(state(data=data))
    for palette in (None, [], [0], [256] * 3, [-1] * 3, ["a"] * 3, [0] * 1000, {"a": 1}, b"\0" * 4):
        yield of_state(state("P", palette=palette, data=bytes(4)))
    yield of_state(state("I", data=struct.pack("<iiii", -1, 70_000, 2**31 - 1, -(2**31))))
    for value in (None, [], [1], (), {}, "state", state()[:4], b"x" * 100):
        yield of_state(value)
    for value in (None, 5, "x" * 1000, b"x" * 1000, [b"x"] * 100, {"a": 1}, ("cats", ["a.jpg"])):
        yield from (pickle.dumps(value, protocol) for protocol in range(6))
