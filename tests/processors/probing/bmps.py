"""BMP files, most of them made by hand."""

import struct

from tests.processors.probing.building import HEIGHT, PIXELS, WIDTH, encoded, saved


def bmp(bits, *, size=40, compression=0, height=HEIGHT, colour=False, masks=(), used=0):
    if size == 12:
        header = struct.pack("<IHHHH", size, WIDTH, height, 1, bits)
    else:
        header = struct.pack("<IiiHHI", size, WIDTH, height, 1, bits, compression)
        header = (header + struct.pack("<12xII", used, 0)).ljust(size, b"\0")
    entry = bytes((1, 2, 3, 0)) if colour else bytes(4)
    palette = entry[: 3 if size == 12 else 4] * (used or 1 << bits) if bits <= 8 else b""
    palette += struct.pack(f"<{len(masks)}I", *masks)
    pixels = bytes((WIDTH * bits + 31) // 32 * 4 * abs(height))
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sI4xI", b"BM", start + len(pixels), start) + header + palette + pixels


RGB565 = (0xF800, 0x7E0, 0x1F)


IMAGES = {
    **{f"bmp {mode}": saved("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    "bmp by the decoder": encoded(".bmp", PIXELS),
    **{
        f"bmp {bits} bit palette, colour {colour}": bmp(bits, colour=colour)
        for bits in (1, 4, 8)
        for colour in (False, True)
    },
    "bmp short palette": bmp(8, used=2, colour=True),
    "bmp long palette": bmp(4, used=20),
    **{f"bmp {bits} bit": bmp(bits) for bits in (16, 24, 32)},
    "bmp from top to bottom": bmp(24, height=-HEIGHT),
    **{f"bmp core {bits} bit": bmp(bits, size=12, colour=True) for bits in (1, 4, 8, 24, 32)},
    **{f"bmp header of {size} bytes": bmp(32, size=size) for size in (52, 56, 64, 108, 124)},
    "bmp 5-6-5": bmp(16, compression=3, masks=RGB565),
    "bmp 32 bit masks": bmp(32, compression=3, masks=(0xFF0000, 0xFF00, 0xFF)),
    "bmp V5 masks": bmp(32, size=124, compression=3),
}
