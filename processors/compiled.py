"""Loops over pixels that NumPy and OpenCV do not have, or not as fast, compiled by numba."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """numba's `njit`, kept on disk for the next start where a folder for it can be written."""
    try:
        kept: Callable[..., Any] = njit(cache=True, **options)(function)
    except RuntimeError:
        kept = njit(**options)(function)
    return kept
