"""The loops, compiled. Unsigned indices, as numba would look for negative ones in each access."""

from functools import partial

import numpy as np
from numba import float32, int32, int64, uint8, uint64

from processors.compiled import compiled

# All sums are exact, so that their order does not matter.
_compiled = partial(compiled, fastmath=True, error_model="numpy")

_FULL = 65536  # 256 across times 256 down


@_compiled
def convolve(source, result, taps, channels):
    """source, result: (H, W * channels) uint8; taps: float32, an odd number, at least 3."""
    height, length = source.shape
    margin = (taps.size - 1) * channels
    row = np.zeros(length + 2 * margin, np.float32)
    sums = np.empty(length, np.float32)
    across = taps * float32(1 / _FULL)
    for y in range(height):
        _down(source, y, taps, row, margin)
        _mirror(row, margin, channels)
        _across(row, margin, channels, across, sums, result, y)


@_compiled
def _mirrored(index, length):
    """The index in range(length) that `index` outside of it stands for: cba|abc without the a."""
    if length == 1:
        return int64(0)
    turned = abs(index) % (2 * length - 2)
    return turned if turned < length else 2 * length - 2 - turned


@_compiled
def _mirror(row, margin, channels):
    """Fill the margins of `row` from what is between them."""
    width = (row.size - 2 * margin) // channels
    for outside in range(1, margin // channels + 1):
        left = _mirrored(-outside, width) * channels
        right = _mirrored(width - 1 + outside, width) * channels
        for channel in range(channels):
            row[margin - outside * channels + channel] = row[margin + left + channel]
            end = margin + (width - 1 + outside) * channels
            row[end + channel] = row[margin + right + channel]


@_compiled
def _down(source, y, taps, row, margin):
    """The sums of row `y` and its neighbours above and below, into the middle of `row`."""
    height, length = source.shape
    start, middle, centre = uint64(margin), uint64(y), taps[0]
    near, far, above, below, higher, lower = _rows(taps, 1, y, height)
    for x in range(uint64(length)):
        row[start + x] = (
            centre * float32(source[middle, x])
            + near * (float32(source[above, x]) + float32(source[below, x]))
            + far * (float32(source[higher, x]) + float32(source[lower, x]))
        )
    k = 3
    while k < taps.size:
        near, far, above, below, higher, lower = _rows(taps, k, y, height)
        for x in range(uint64(length)):
            total = near * (float32(source[above, x]) + float32(source[below, x]))
            row[start + x] += total + far * (float32(source[higher, x]) + float32(source[lower, x]))
        k += 2


@_compiled
def _rows(taps, k, y, height):
    """Taps k and k + 1, and the rows that they weigh."""
    above, below = uint64(_mirrored(y - k, height)), uint64(_mirrored(y + k, height))
    higher, lower = uint64(_mirrored(y - k - 1, height)), uint64(_mirrored(y + k + 1, height))
    return taps[k], taps[k + 1], above, below, higher, lower


@_compiled
def _across(row, margin, channels, taps, sums, result, y):
    """The rounded sums of each value in the middle of `row` and its neighbours of one channel."""
    length, at, start, last = uint64(result.shape[1]), uint64(y), uint64(margin), taps.size - 2
    near, far, one, two = taps[last], taps[last + 1], uint64(last * channels), start
    if last == 1:
        for x in range(length):
            i = start + x
            total = taps[0] * row[i] + near * (row[i - one] + row[i + one]) + float32(0.5)
            result[at, x] = uint8(int32(total + far * (row[i - two] + row[i + two])))
        return
    for x in range(length):
        sums[x] = taps[0] * row[start + x] + float32(0.5)
    k = 1
    while k < last:
        steps = uint64(k * channels), uint64((k + 1) * channels)
        _add(sums, row, start, steps, (taps[k], taps[k + 1]))
        k += 2
    for x in range(length):
        i = start + x
        total = near * (row[i - one] + row[i + one]) + far * (row[i - two] + row[i + two])
        result[at, x] = uint8(int32(sums[x] + total))


@_compiled
def _add(sums, row, start, steps, weights):
    one, two = steps
    near, far = weights
    for x in range(uint64(sums.size)):
        i = start + x
        sums[x] += near * (row[i - one] + row[i + one]) + far * (row[i - two] + row[i + two])
