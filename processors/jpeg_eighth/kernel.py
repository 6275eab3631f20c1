"""The loop over all blocks, compiled.

Every index is bounded: positions in the data by `end`, table indices by their masks, coefficients
by LAST, output by the loops. Past a marker or the end of the data come zeros, which are counted.
"""

import numpy as np
from numba import int64, uint64

from processors.compiled import compiled
from processors.jpeg_eighth.layout import (
    DC_BITS,
    ENDS,
    LAST,
    NONE,
    ODD,
    RUN_BITS,
    VALUE_SHIFT,
)

_MOST_DC_BITS = 11
_RUN_SHIFT, _CODE_SHIFT = uint64(64 - RUN_BITS), uint64(48)
_DC_SHIFT = uint64(64 - DC_BITS)
_ONES, _TOPS = uint64(0x01010101), uint64(0x80808080)


@compiled
def value_of(buffer, size):
    """The signed value in the `size` high bits of `buffer` (T.81, F.2.2.1)."""
    if size == 0:
        return int64(0)
    value = int64(buffer >> uint64(64 - size))
    return value if value >> (size - 1) else value - (1 << size) + 1


@compiled
def _code_at(codes, bits, width, taken):
    """Length (0: none that lies in the bits whole), zeros and size of the code behind `taken`."""
    code = int64(codes[(bits << (16 - width) << taken) & 0xFFFF])
    length = code >> 8
    return (length if taken + length <= width else 0), (code & 0xFF) >> 4, code & 15


@compiled
def fill_runs(codes, table):
    """`runs` of tables.py: codes: (65536,), table: (1 << RUN_BITS,)."""
    for bits in range(1 << RUN_BITS):
        taken, passed, ends = 0, 0, 0
        while taken < RUN_BITS and not ends:
            length, zeros, size = _code_at(codes, bits, RUN_BITS, taken)
            if length == 0 or passed + zeros + 1 > LAST:
                break
            if size == 0 and zeros != 15:
                taken, ends = taken + length, ENDS
            else:
                taken, passed = taken + length + size, passed + zeros + 1
        table[bits] = ends | passed << 8 | taken if taken else NONE


@compiled
def fill_values(codes, table):
    """`values` of tables.py, as `fill_runs`."""
    for bits in range(1 << RUN_BITS):
        table[bits] = NONE
        length, zeros, size = _code_at(codes, bits, RUN_BITS, 0)
        taken = length + size
        if length == 0 or taken > RUN_BITS or (size == 0 and zeros == 15):
            continue
        if size == 0:
            table[bits] = ENDS | length
            continue
        value = value_of(uint64(bits) << uint64(64 - RUN_BITS + length), size)
        length, zeros_behind, size_behind = _code_at(codes, bits, RUN_BITS, taken)
        ends = length != 0 and size_behind == 0 and zeros_behind != 15
        last = ENDS | (taken + length) if ends else taken
        table[bits] = value << VALUE_SHIFT | (zeros + 1) << 8 | last


@compiled
def fill_differences(codes, table):
    """`differences` of tables.py: codes: (65536,), table: (1 << DC_BITS,), zero before."""
    for bits in range(1 << DC_BITS):
        length, _, size = _code_at(codes, bits, DC_BITS, 0)
        if length != 0 and length + size <= DC_BITS:
            value = value_of(uint64(bits) << uint64(64 - DC_BITS + length), size)
            table[bits] = value << VALUE_SHIFT | (length + size)


@compiled
def refill(data, position, end, buffer, bits, starved):
    """At least 32 bits in `buffer`, the next one highest; `starved` counts the bytes not there."""
    if position + 4 <= end:
        word = uint64(data[position]) << uint64(24) | uint64(data[position + 1]) << uint64(16)
        word |= uint64(data[position + 2]) << uint64(8) | uint64(data[position + 3])
        # No byte of the word is 0xFF: none of its complement is zero.
        if (uint64(0xFFFFFFFF) - word - _ONES) & word & _TOPS == 0:
            return position + 4, buffer | word << uint64(32 - bits), bits + 32, starved
    while bits < 32:
        if position < end and data[position] != 0xFF:
            byte, position = uint64(data[position]), position + 1
        elif position + 1 < end and data[position + 1] == 0:
            byte, position = uint64(0xFF), position + 2
        else:
            byte, starved = uint64(0), starved + 1
        buffer, bits = buffer | byte << uint64(56 - bits), bits + 8
    return position, buffer, bits, starved


@compiled
def transform_2x2(sums, planes, c, top, left):
    """The four means of a block, as libjpeg rounds them, from the `sums` over its rows.

    sums: (16,) the even parts of columns 0 to 7, then the odd ones; zero afterwards.
    """
    upper = lower = 0
    for n, column in enumerate((1, 3, 5, 7)):
        upper += ((sums[column] + sums[8 + column] + 4096) >> 13) * ODD[n]
        lower += ((sums[column] - sums[8 + column] + 4096) >> 13) * ODD[n]
    first = ((sums[0] + sums[8] + 4096) >> 13) << 15
    second = ((sums[0] - sums[8] + 4096) >> 13) << 15
    planes[c, top, left] = (first + upper + (1 << 19)) >> 20
    planes[c, top, left + 1] = (first - upper + (1 << 19)) >> 20
    planes[c, top + 1, left] = (second + lower + (1 << 19)) >> 20
    planes[c, top + 1, left + 1] = (second - lower + (1 << 19)) >> 20
    sums[:] = 0


@compiled
def at_marker(data, position, end, marker, bits, starved):
    """Whether all data were used, save for the bits that fill the last byte."""
    unused = bits - 8 * starved
    there = position + 1 < end and data[position] == 0xFF and data[position + 1] == marker
    return there and 0 <= unused < 8


@compiled
def decode_blocks(
    data,
    position,
    interval,
    units,
    factors,
    wanted,
    dc,
    ac,
    differences,
    runs,
    weights,
    places,
    planes,
):
    """Fill `planes` with the means of the blocks, without the offset of 128; False for a fault.

    data: (N,) uint8. units: rows and columns of MCUs. factors: (C,) blocks on a side of an MCU.
    wanted: (C,) 1 for the mean of a block, 2 for its four. dc, ac: (C, 65536) `codes`.
    differences: (C, 1 << DC_BITS). runs: (C, 1 << RUN_BITS). weights: (C, 64) of each coefficient
    in the sum at `places`, (64,). planes: (C, H, W) int32, padded to whole MCUs.
    """
    # One long function: a call for each block would take as long as a third of the blocks do.
    end, to_restart, restarts = len(data), interval, 0
    buffer, bits, starved = uint64(0), int64(0), int64(0)
    means = np.zeros(len(factors), np.int64)
    sums = np.zeros(16, np.int64)
    for row in range(units[0]):
        for column in range(units[1]):
            if interval and to_restart == 0:
                if not at_marker(data, position, end, 0xD0 + restarts % 8, bits, starved):
                    return False
                position, buffer, bits, starved = position + 2, uint64(0), 0, 0
                to_restart, restarts = interval, restarts + 1
                means[:] = 0
            to_restart -= 1
            for c in range(len(factors)):
                side = factors[c]
                pass_over = wanted[c] == 1
                for y in range(row * side, row * side + side):
                    for x in range(column * side, column * side + side):
                        if bits < 32:
                            position, buffer, bits, starved = refill(
                                data, position, end, buffer, bits, starved
                            )
                        run = int64(differences[c, buffer >> _DC_SHIFT])
                        if run != 0:
                            taken = run & 0xFF
                            means[c] += run >> VALUE_SHIFT
                        else:
                            code = int64(dc[c, buffer >> _CODE_SHIFT])
                            length, size = code >> 8, code & 0xFF
                            if length == 0 or size > _MOST_DC_BITS:
                                return False
                            taken = length + size
                            means[c] += value_of(buffer << uint64(length), size)
                        buffer, bits = buffer << uint64(taken), bits - taken
                        last = 0
                        while last < LAST:
                            if bits < 32:
                                position, buffer, bits, starved = refill(
                                    data, position, end, buffer, bits, starved
                                )
                            run = int64(runs[c, buffer >> _RUN_SHIFT])
                            after = last + ((run >> 8) & 0xFF)
                            # At exactly LAST the block is over; what follows is the next one's.
                            if after < LAST:
                                if not pass_over:
                                    sums[places[after]] += (run >> VALUE_SHIFT) * weights[c, after]
                                taken, last = run & 0xFF, after
                                buffer, bits = buffer << uint64(taken), bits - taken
                                if run & ENDS:
                                    break
                                continue
                            code = int64(ac[c, buffer >> _CODE_SHIFT])
                            length, zeros, size = code >> 8, (code & 0xFF) >> 4, code & 15
                            value = value_of(buffer << uint64(length), size)
                            buffer, bits = buffer << uint64(length + size), bits - length - size
                            if size == 0 and zeros != 15 and length != 0:
                                break
                            last += zeros + 1
                            if length == 0 or last > LAST:
                                return False
                            if not pass_over:
                                sums[places[last]] += value * weights[c, last]
                        mean = (means[c] * weights[c, 0] + (1 << 17)) >> 18
                        if pass_over:
                            planes[c, y, x] = mean
                        elif last == 0:
                            planes[c, 2 * y, 2 * x] = mean
                            planes[c, 2 * y, 2 * x + 1] = mean
                            planes[c, 2 * y + 1, 2 * x] = mean
                            planes[c, 2 * y + 1, 2 * x + 1] = mean
                        else:
                            sums[0] = means[c] * weights[c, 0]
                            transform_2x2(sums, planes, c, 2 * y, 2 * x)
    return at_marker(data, position, end, 0xD9, bits, starved)


@compiled
def limited(value):
    return min(max(value, 0), 255)


@compiled
def to_bgr(planes, image):
    """Y, Cb, Cr of `planes` to `image`, (H, W, 3) uint8, in libjpeg's 16-bit arithmetic."""
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            luma = limited(planes[0, y, x] + 128)
            blue = limited(planes[1, y, x] + 128) - 128
            red = limited(planes[2, y, x] + 128) - 128
            image[y, x, 0] = limited(luma + ((116130 * blue + 32768) >> 16))
            image[y, x, 1] = limited(luma + ((-22554 * blue - 46802 * red + 32768) >> 16))
            image[y, x, 2] = limited(luma + ((91881 * red + 32768) >> 16))
