"""Huffman tables in the form in which they are looked up.

`codes`: for each 16 bits, the length of the code at their head (0: none) in the high byte, and its
symbol in the low one.

`runs` and `values`: for each RUN_BITS bits, AC codes that lie in them, as one number: how many bits
they and their values take (low byte), how many coefficients they advance (second byte), whether
the last of them ends the block (ENDS), and the value of the coefficient (above). `runs` takes as
many codes as there are, and no values; `values` takes one value, and the end of the block behind
it. NONE: none lies in them whole.

`differences`: for each DC_BITS bits, the DC code and its value at their head, in the same form.
0: they do not lie in them whole.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from processors.jpeg_eighth.kernel import fill_differences, fill_runs, fill_values
from processors.jpeg_eighth.layout import DC_BITS, ODD, RUN_BITS, ZIGZAG
from processors.jpeg_eighth.scan import HuffmanSpec, NotTaken

PLACES = np.array([at % 8 + (8 if at >= 8 else 0) for at in ZIGZAG])
"""(64,) the sum that a coefficient belongs to: of its column's row 0, or of its odd rows."""


@lru_cache(64)  # cameras write the same few tables into every image
def codes(spec: HuffmanSpec) -> NDArray[np.uint16]:
    """(65536,) uint16. Raises NotTaken for counts that make no prefix code."""
    table = np.zeros(1 << 16, np.uint16)
    start, symbols = 0, iter(spec.symbols)
    for length, count in enumerate(spec.counts, start=1):
        span = 1 << (16 - length)
        if start + count * span > len(table):
            raise NotTaken
        for symbol in (next(symbols) for _ in range(count)):
            table[start : start + span] = length << 8 | symbol
            start += span
    return table


@lru_cache(64)
def runs(spec: HuffmanSpec) -> NDArray[np.int32]:
    """(1 << RUN_BITS,) int32. Raises NotTaken as `codes`."""
    return _filled(fill_runs, spec, RUN_BITS)


@lru_cache(64)
def values(spec: HuffmanSpec) -> NDArray[np.int32]:
    """(1 << RUN_BITS,) int32. Raises NotTaken as `codes`."""
    return _filled(fill_values, spec, RUN_BITS)


@lru_cache(64)
def differences(spec: HuffmanSpec) -> NDArray[np.int32]:
    """(1 << DC_BITS,) int32. Raises NotTaken as `codes`."""
    return _filled(fill_differences, spec, DC_BITS)


@lru_cache(64)
def weights(quantizers: tuple[int, ...]) -> NDArray[np.int64]:
    """(64,) in the order of the file: quantizer times the weight of its row, times 2 ** 13."""
    return np.array(
        [step * _row_weight(at // 8) for step, at in zip(quantizers, ZIGZAG, strict=True)]
    )


def _filled(
    fill: Callable[[NDArray[np.uint16], NDArray[np.int32]], None], spec: HuffmanSpec, bits: int
) -> NDArray[np.int32]:
    table = np.zeros(1 << bits, np.int32)
    fill(codes(spec), table)
    return table


def _row_weight(row: int) -> int:
    if row == 0:
        return 1 << 15
    return ODD[row // 2] if row % 2 else 0
