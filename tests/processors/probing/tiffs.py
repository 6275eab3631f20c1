"""TIFF files, most of them made by hand."""

import struct

from tests.processors.probing.building import DEEP, HEIGHT, WIDTH, encoded, picture, saved


def tiff(*, order="<", samples=1, bits=8, photometric=1, orientation=None, **tags):
    """An uncompressed TIFF; `tags` are t<number>=values, an empty list removes the tag."""
    strip = bytes(7 * i % 256 for i in range((WIDTH * samples * bits + 7) // 8 * HEIGHT))
    entries = {256: [WIDTH], 257: [HEIGHT], 258: [bits] * samples, 259: [1], 262: [photometric]}
    entries |= {273: [8], 277: [samples], 278: [HEIGHT], 279: [len(strip)]}
    entries |= {274: [orientation]} if orientation else {}
    entries |= {int(name[1:]): values for name, values in tags.items()}
    entries = {tag: values for tag, values in sorted(entries.items()) if values}
    at = 8 + len(strip)
    tail, directory = b"", struct.pack(f"{order}H", len(entries))
    for tag, values in entries.items():
        body = struct.pack(f"{order}{len(values)}H", *values)
        if len(body) > 4:
            tail, body = (
                tail + body,
                struct.pack(f"{order}I", at + 6 + 12 * len(entries) + len(tail)),
            )
        directory += struct.pack(f"{order}HHI", tag, 3, len(values)) + body.ljust(4, b"\0")
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, at)
    return start + strip + directory + bytes(4) + tail


def palette_tiff(bits, **options):
    return tiff(photometric=3, bits=bits, t320=list(range(3 << bits)), **options)


IMAGES = {
    **{
        f"tiff {mode}": saved("TIFF", mode)
        for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16")
    },
    **{
        f"tiff {compression}": saved("TIFF", "RGB", compression=compression)
        for compression in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits")
    },
    "tiff group 4": saved("TIFF", "1", compression="group4"),
    "tiff 16 bit RGBA": encoded(".tiff", DEEP),
    "tiff pages": saved("TIFF", "L", save_all=True, append_images=[picture("RGB")]),
    "tiff big-endian": tiff(order=">", samples=3, photometric=2),
    "tiff white is zero": tiff(photometric=0),
    "tiff bilevel by default": tiff(bits=1, t258=[]),
    "tiff gray, samples by default": tiff(t277=[]),
    **{f"tiff {bits} bit": tiff(bits=bits) for bits in (1, 10, 12, 14, 16)},
    "tiff 12 bit RGB": tiff(samples=3, photometric=2, bits=12),
    "tiff 16 bit gray with alpha": tiff(samples=2, bits=16, t338=[2]),
    "tiff 16 bit CIELAB": tiff(samples=3, photometric=8, bits=16),
    "tiff gray in four samples": tiff(samples=4),
    **{f"tiff RGB extra sample {i}": tiff(samples=4, photometric=2, t338=[i]) for i in range(3)},
    **{f"tiff {bits} bit palette": palette_tiff(bits) for bits in (1, 4, 8)},
    "tiff palette with alpha": palette_tiff(8, samples=2, t338=[2]),
    "tiff palette without palette": tiff(photometric=3, bits=16),
}


TABLE = struct.pack("<2sHIH", b"II", 42, 8, 4096) + struct.pack("<HHI4x", 271, 4, 1) * 4096
