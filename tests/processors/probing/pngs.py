"""PNG files, most of them made by hand."""

import struct
import zlib

from tests.processors.probing.building import DEEP, HEIGHT, WIDTH, encoded, exif_of, picture, saved


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(colour, depth, *, interlaced=False, before_pixels=b"", width=WIDTH, height=HEIGHT):
    bits = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
        passes += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x, y, step_x, step_y in passes:
        columns, lines = -(-(width - x) // step_x), -(-(height - y) // step_y)
        rows += bytes(1 + (columns * bits + 7) // 8) * lines
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    chunks = chunk(b"IHDR", header) + palette + before_pixels
    chunks += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


EXIF_6 = chunk(b"eXIf", exif_of(6)[6:])


IMAGES = {
    **{f"png {mode}": saved("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
    **{f"png {mode} tRNS": saved("PNG", mode, transparency=1) for mode in ("1", "L", "P", "I;16")},
    "png RGB tRNS": saved("PNG", "RGB", transparency=(1, 2, 3)),
    **{
        f"png type {colour} depth {depth} interlaced {interlaced}": png(
            colour, depth, interlaced=interlaced
        )
        for colour, depths in ((0, (1, 2, 4, 8, 16)), (3, (1, 2, 4, 8)), (2, (8, 16)))
        for depth in depths
        for interlaced in (False, True)
    },
    "png 16 bit RGBA": encoded(".png", DEEP),
    "png 16 bit gray with alpha": png(4, 16),
    "png 16 bit RGB tRNS": png(2, 16, before_pixels=chunk(b"tRNS", bytes(6))),
    "png invalid tRNS": png(2, 8, before_pixels=chunk(b"tRNS", bytes(2))),
    "png too long tRNS": png(3, 8, before_pixels=chunk(b"tRNS", bytes(9))),
    "png two tRNS": png(3, 8, before_pixels=chunk(b"tRNS", bytes(1)) + chunk(b"tRNS", bytes(9))),
    "png animated": saved("PNG", "RGB", save_all=True, append_images=[picture("RGB")]),
}
