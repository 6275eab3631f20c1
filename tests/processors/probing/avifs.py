"""AVIF files, and boxes of them."""

import struct

import cv2

from tests.processors.probing.building import DEEP, GRAY, encoded, picture, saved


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


FTYP = box(b"ftyp", b"avif" + bytes(4) + b"avif")
PITM = box(b"pitm", bytes(4) + b"\0\1")


IMAGES = {
    **{f"avif {mode}": saved("AVIF", mode) for mode in ("L", "LA", "P", "RGB", "RGBA")},
    **{
        f"avif {depth} bit {pixels.shape}": encoded(
            ".avif", pixels >> (16 - depth), cv2.IMWRITE_AVIF_DEPTH, depth
        )
        for depth in (10, 12)
        for pixels in (DEEP, DEEP[..., :3], DEEP[..., 0])
    },
    "avif 8 bit gray": encoded(".avif", GRAY),
    "avif sequence": saved("AVIF", "RGB", save_all=True, append_images=[picture("L")]),
    "avif sequence alpha": saved(
        "AVIF", "RGBA", save_all=True, append_images=[picture("RGBA").rotate(180)]
    ),
}


def grid(*, wide):
    """The `meta` box of an AVIF grid, item 1, with its tile, item 2, and its alpha, item 3."""
    version, number = (b"\1\0\0\1", ">I") if wide else (bytes(4), ">H")

    def numbers(*items):
        return b"".join(struct.pack(number, item) for item in items)

    def reference(kind, origin, to):
        return box(kind, numbers(origin) + b"\0\1" + numbers(to))

    properties = box(b"ispe", bytes(4) + struct.pack(">II", 800, 600))
    properties += box(b"av1C", b"\x81\x04\x4c\0")
    properties += box(b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    properties += box(b"irot", b"\3")
    lists = {1: (1, 4), 2: (1, 2), 3: (1, 3)}
    entries = b"".join(
        numbers(item) + struct.pack(">BHH" if wide else ">BBB", 2, *positions)
        for item, positions in lists.items()
    )
    ipma = box(b"ipma", version + struct.pack(">I", len(lists)) + entries)
    meta = box(b"pitm", version + numbers(1))
    meta += box(b"iref", version + reference(b"dimg", 1, 2) + reference(b"auxl", 3, 1))
    return FTYP + box(b"meta", bytes(4) + meta + box(b"iprp", box(b"ipco", properties) + ipma))
