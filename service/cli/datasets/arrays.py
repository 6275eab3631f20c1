"""NumPy arrays in pickles, made of what the pickle says: no function that it names is called.

Source: `numpy.ndarray.__reduce__`, `numpy.dtype.__reduce__` and `numpy.generic.__reduce__`.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.pickles.reader import Name, Stand

_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_RECONSTRUCT = frozenset(f"{module} _reconstruct" for module in _MODULES)
_SCALAR = frozenset(f"{module} scalar" for module in _MODULES)
_ARRAY, _DTYPE = "numpy ndarray", "numpy dtype"
_BYTES = frozenset(("_codecs encode", "__builtin__ bytes", "builtins bytes"))
"""How Python 3 writes bytes in the protocols of Python 2."""

NAMES = _RECONSTRUCT | _SCALAR | _BYTES | {_ARRAY, _DTYPE}
"""What a pickle of arrays, lists, dicts, text, bytes and numbers names."""

_INTEGERS = frozenset(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8))
_ORDERS = {"|": "|", "<": "<", ">": ">", "=": "="}
_MAX_DIMENSIONS = 4


def array_of(value: Any) -> npt.NDArray[Any]:
    """The array of whole numbers that `value` stands for. Raises ValueError."""
    if not isinstance(value, Stand) or value.name not in _RECONSTRUCT or not _of_arrays(value):
        raise ValueError("there is no array of numbers")
    match value.state:
        case (int(), tuple(shape), dtype, fortran, (bytes() | memoryview()) as raw):
            return _array(shape, _dtype_of(dtype), bool(fortran), raw)
    raise ValueError("an array has no numbers")


def integer_of(value: Any) -> int:
    """A whole number, as itself or as a scalar of NumPy. Raises ValueError."""
    if isinstance(value, int):
        return value
    if isinstance(value, Stand) and value.name in _SCALAR and len(value.arguments) == 2:
        dtype, raw = _dtype_of(value.arguments[0]), value.arguments[1]
        if isinstance(raw, bytes) and len(raw) == dtype.itemsize:
            return int(np.frombuffer(raw, dtype)[0])
    raise ValueError("there is no whole number where one should be")


def _of_arrays(value: Stand) -> bool:
    return bool(value.arguments) and value.arguments[0] == Name(_ARRAY)


def _array(
    shape: tuple[Any, ...], dtype: np.dtype[Any], fortran: bool, raw: bytes | memoryview
) -> npt.NDArray[Any]:
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError("an array has a wrong shape")
    if math.prod(sizes) * dtype.itemsize != len(raw):
        raise ValueError("an array has more or fewer numbers than its shape says")
    return np.frombuffer(raw, dtype).reshape(sizes, order="F" if fortran else "C")


def _dtype_of(value: Any) -> np.dtype[Any]:
    if not isinstance(value, Stand) or value.name != _DTYPE or not value.arguments:
        raise ValueError("an array has no type")
    code = _text(value.arguments[0])
    if code not in _INTEGERS:
        raise ValueError(f"an array is of {code[:20]!r}, not of whole numbers")
    order = _text(value.state[1]) if isinstance(value.state, tuple) and value.state[1:] else "|"
    return np.dtype(_ORDERS.get(order, "=") + code)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
