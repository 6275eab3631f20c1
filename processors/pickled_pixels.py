"""The pixels of an image of Pillow, from the state that it is pickled with.

Source: Pillow's `Image.__getstate__`, in all versions `[info, mode, size, palette, data]` and, for
what was opened from a file, the file's name and more; data is what `Image.tobytes` gives.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np

from processors import metadata
from processors.errors import DamagedImage, UnsupportedFormat
from processors.limits import Limits
from processors.metadata import Metadata
from processors.operation import Image, Size
from processors.pickles.opcodes import is_image
from processors.pickles.reader import Stand

_STATE_ITEMS = 5
_COLOURS, _OPAQUE = 256, 255


class Picture(NamedTuple):
    """(H, W[, C]) uint8 or uint16, BGR or BGRA; and what lies beside the pixels."""

    image: Image
    beside: Metadata


class _State(NamedTuple):
    info: dict[Any, Any]
    mode: str
    size: Size
    palette: Any
    data: Any


def picture(value: Any, limits: Limits) -> Picture:
    """The picture that `value`, read from a pickle, stands for.

    Raises UnsupportedFormat for what is none, or has a mode with no like in files, DamagedImage
    where its parts contradict one another, and ImageTooLarge before anything is made.
    """
    state = _state(value)
    mode = _MODES.get(state.mode)
    if mode is None:
        known = ", ".join(_MODES)
        raise UnsupportedFormat(
            f"a Pillow image of mode {state.mode!r:.20} is not taken, of these modes it is: "
            f"{known}; `image.convert('RGB')` makes one"
        )
    limits.check_size(state.size)
    row = (state.size.width * mode.bits + 7) // 8
    if len(state.data) != row * state.size.height:
        raise DamagedImage(
            f"a Pillow image of mode {state.mode} and {state.size} pixels has "
            f"{row * state.size.height} bytes, this one {len(state.data)}"
        )
    samples = np.frombuffer(state.data, np.uint8).reshape(state.size.height, row)
    return Picture(mode.convert(samples, state), _beside(state.info))


def _state(value: Any) -> _State:
    if not isinstance(value, Stand) or not is_image(value.name):
        raise UnsupportedFormat("the pickle holds no image of Pillow")
    if not isinstance(value.state, list | tuple) or len(value.state) < _STATE_ITEMS:
        raise DamagedImage("the Pillow image has no state")
    info, mode, size, palette, data = value.state[:_STATE_ITEMS]
    if isinstance(mode, bytes):  # of Python 2
        mode = mode.decode("latin-1")
    sides = size if isinstance(size, tuple) and len(size) == 2 else ()
    if not isinstance(mode, str) or not sides or any(type(side) is not int for side in sides):
        raise DamagedImage("the Pillow image has no mode or no size")
    if min(sides) < 1 or not isinstance(data, bytes | memoryview):
        raise DamagedImage("the Pillow image has no pixels")
    return _State(info if isinstance(info, dict) else {}, mode, Size(*sides), palette, data)


def _beside(info: dict[Any, Any]) -> Metadata:
    """As a file would carry them: the orientation is in the EXIF data."""
    return metadata.stated(_noted(info, "exif"), _noted(info, "icc_profile"))


def _noted(info: dict[Any, Any], name: str) -> bytes | None:
    found = info.get(name, info.get(name.encode()))
    return bytes(found) if isinstance(found, bytes | memoryview) and found else None


def _bits(samples: Any, state: _State) -> Any:
    return np.unpackbits(samples, axis=1, count=state.size.width) * np.uint8(255)


def _gray(samples: Any, state: _State) -> Any:
    return samples


def _gray_alpha(samples: Any, state: _State) -> Any:
    gray, alpha = _channels(samples, state, 2)
    return cv2.merge([gray, gray, gray, alpha])


def _indexed(samples: Any, state: _State) -> Any:
    colours = _palette(state.palette)
    image = colours[samples]
    alphas = _transparency(state.info.get("transparency"))
    return image if alphas is None else np.dstack([image, alphas[samples]])


def _indexed_alpha(samples: Any, state: _State) -> Any:
    index, alpha = _channels(samples, state, 2)
    return np.dstack([_palette(state.palette)[index], alpha])


def _rgb(samples: Any, state: _State) -> Any:
    pixels = samples.reshape(state.size.height, state.size.width, 3)
    image = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    clear = state.info.get("transparency")
    if not isinstance(clear, tuple) or len(clear) != 3:
        return image
    if any(type(value) is not int or not 0 <= value <= _OPAQUE for value in clear):
        return image
    opaque = (pixels != np.array(clear, np.uint8)).any(axis=2)
    return np.dstack([image, opaque.astype(np.uint8) * np.uint8(_OPAQUE)])


def _rgba(samples: Any, state: _State) -> Any:
    pixels = samples.reshape(state.size.height, state.size.width, 4)
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)


def _by_pillow(samples: Any, state: _State) -> Any:
    # Imported where it is needed: few images are of these modes.
    from PIL.Image import frombytes

    image = frombytes(state.mode, (state.size.width, state.size.height), samples.tobytes()).convert(
        "RGB"
    )
    return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)


def _words(dtype: str) -> Callable[[Any, _State], Any]:
    def convert(samples: Any, state: _State) -> Any:
        return samples.view(dtype).astype(np.uint16)

    return convert


def _integers(samples: Any, state: _State) -> Any:
    """32 bits, in which Pillow has gray of 16."""
    values = samples.view("<i4")
    if values.min() < 0 or values.max() > 0xFFFF:
        raise UnsupportedFormat(
            "a Pillow image of mode I is taken as 16 bits of gray, this one has values below 0 or "
            "above 65535"
        )
    return values.astype(np.uint16)


def _channels(samples: Any, state: _State, count: int) -> list[Any]:
    pixels = samples.reshape(state.size.height, state.size.width, count)
    return [np.ascontiguousarray(pixels[..., at]) for at in range(count)]


def _palette(palette: Any) -> Any:
    """256 colours, BGR; black behind those that there are."""
    values = list(palette) if isinstance(palette, bytes | list | tuple) else []
    fits = values and len(values) <= 3 * _COLOURS and len(values) % 3 == 0
    if not fits or any(type(one) is not int or not 0 <= one <= _OPAQUE for one in values):
        raise DamagedImage("the Pillow image has no palette of colours")
    colours = np.zeros((_COLOURS, 3), np.uint8)
    colours[: len(values) // 3] = np.array(values, np.uint8).reshape(-1, 3)[:, ::-1]
    return colours


def _transparency(noted: Any) -> Any:
    """The alpha of each colour of a palette; None where all are opaque."""
    alphas = np.full(_COLOURS, _OPAQUE, np.uint8)
    if isinstance(noted, bytes) and 0 < len(noted) <= _COLOURS:
        alphas[: len(noted)] = np.frombuffer(noted, np.uint8)
    elif type(noted) is int and 0 <= noted < _COLOURS:
        alphas[noted] = 0
    else:
        return None
    return alphas


class _Mode(NamedTuple):
    """Bits a pixel as `tobytes` packs them, and what makes an image of (H, bytes of a row)."""

    bits: int
    convert: Callable[[Any, _State], Any]


_MODES: dict[str, _Mode] = {
    "1": _Mode(1, _bits),
    "L": _Mode(8, _gray),
    "LA": _Mode(16, _gray_alpha),
    "P": _Mode(8, _indexed),
    "PA": _Mode(16, _indexed_alpha),
    "RGB": _Mode(24, _rgb),
    "RGBA": _Mode(32, _rgba),
    "CMYK": _Mode(32, _by_pillow),
    "YCbCr": _Mode(24, _by_pillow),
    "HSV": _Mode(24, _by_pillow),
    "I;16": _Mode(16, _words("<u2")),
    "I;16L": _Mode(16, _words("<u2")),
    "I;16B": _Mode(16, _words(">u2")),
    "I": _Mode(32, _integers),
}
"""F has no range that stands for black and white; La and RGBa come of no file."""
