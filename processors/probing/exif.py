"""The orientation that a camera noted.

Source: Exif 3.0 (CIPA DC-008), tag 274; the data are a TIFF directory.
"""

import struct

from processors.errors import DamagedImage
from processors.probing.ifd import first_values

ORIENTATION = 274
PREFIX = b"Exif\0\0"

_WANTED = frozenset((ORIENTATION,))


def orientation(data: bytes, start: int) -> int:
    """The orientation, 1..8, in the EXIF data that begin at `start`; 1 when they hold none.

    Metadata never make an image fail: what cannot be read counts as upright.
    """
    if data.startswith(PREFIX, start):
        start += len(PREFIX)
    try:
        value = first_values(data, start, _WANTED).get(ORIENTATION, 1)
    except (struct.error, DamagedImage):
        return 1
    return value if 1 <= value <= 8 else 1
