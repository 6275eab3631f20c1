"""The constants that tables and kernel share."""

RUN_BITS = 12
"""Wider tables hold more codes, but leave the first-level cache: twelve was the fastest."""

DC_BITS = 10

ENDS = 1 << 16
NONE = 255 << 8
"""Advances beyond any block: no code lies in the bits whole."""

VALUE_SHIFT = 17

LAST = 63
"""The index of a block's last coefficient."""

ODD = (29692, -10426, 6967, -5906)
"""Weights of rows or columns 1, 3, 5 and 7 in the 2x2 transform, times 2 ** 13: 3.6245, -1.2728,
0.8504 and -0.7210. Row 0 has 4; rows 2, 4 and 6 cancel out."""


def _along_diagonal(row: int, column: int) -> int:
    """The diagonals run up and down in turns."""
    return row if (row + column) % 2 else column


ZIGZAG = tuple(
    sorted(range(64), key=lambda at: (sum(divmod(at, 8)), _along_diagonal(*divmod(at, 8))))
)
"""Where the coefficients of a block are, row by row, in the order of the file (T.81, A.6)."""
