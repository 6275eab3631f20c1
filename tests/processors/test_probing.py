"""Probing: what a header says is what decoding yields, and no bytes make it fail otherwise."""

import io
import random
import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from processors.errors import DamagedImage, UnsupportedFormat
from processors.probing import FORMATS, Header, probe, sniff

WIDTH, HEIGHT = 22, 14
PIXELS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
COLOUR = np.ascontiguousarray(PIXELS[..., :3])
GRAY = np.ascontiguousarray(PIXELS[..., 0])
DEEP = PIXELS.astype(np.uint16) * 257
JPEG_FLAGS = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


# --- images ------------------------------------------------------------------------------------


def encoded(extension, pixels, *parameters):
    return cv2.imencode(extension, np.ascontiguousarray(pixels), parameters)[1].tobytes()


def picture(mode):
    if mode == "I;16":
        return Image.fromarray(DEEP[..., 0].copy())
    if mode == "I":
        return Image.fromarray(GRAY.astype(np.int32))
    if mode == "F":
        return Image.fromarray(GRAY.astype(np.float32))
    return Image.fromarray(PIXELS).convert(mode)


def saved(kind, mode, **options):
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def exif_of(orientation):
    exif = Image.Exif()
    exif[271] = "a maker whose name is longer than four bytes"
    exif[274] = orientation
    return exif.tobytes()


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


def gif(*frames_transparent):
    first, *others = [picture("RGB").convert("P") for _ in frames_transparent]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, loop=0, duration=90)
    data = bytearray(buffer.getvalue())
    at = -1
    for transparent in frames_transparent:
        at = data.find(b"\x21\xf9\x04", at + 1)
        if at >= 0:
            data[at + 3] = data[at + 3] & ~1 | transparent
    return bytes(data)


RGB565 = (0xF800, 0x7E0, 0x1F)
EXIF_6 = chunk(b"eXIf", exif_of(6)[6:])

IMAGES = {
    **{f"jpeg {mode}": saved("JPEG", mode) for mode in ("1", "L", "RGB", "CMYK", "YCbCr")},
    "jpeg progressive": saved("JPEG", "RGB", progressive=True),
    "jpeg progressive CMYK": saved("JPEG", "CMYK", progressive=True),
    "jpeg with restarts": encoded(".jpg", COLOUR, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "jpeg with a profile": saved("JPEG", "RGB", icc_profile=bytes(100_000), comment=b"hello"),
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
    **{f"webp {mode}": saved("WEBP", mode) for mode in ("L", "P", "RGB", "RGBA")},
    **{f"webp lossless {mode}": saved("WEBP", mode, lossless=True) for mode in ("RGB", "RGBA")},
    "webp by the decoder": encoded(".webp", PIXELS),
    "webp with a profile": saved("WEBP", "RGB", icc_profile=bytes(101)),
    "webp animated": saved("WEBP", "RGB", save_all=True, append_images=[picture("1")]),
    "webp animated alpha": saved("WEBP", "RGBA", save_all=True, append_images=[picture("1")]),
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
    **{f"gif {mode}": saved("GIF", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    "gif interlaced": saved("GIF", "L", interlace=1),
    "gif with a comment": saved("GIF", "L", comment=b"x" * 2000),
    "gif transparent": saved("GIF", "1", transparency=1),
    "gif animated": gif(False, False),
    "gif animated, first transparent": gif(True, False),
    "gif animated, last transparent": gif(False, True),
}

SMALL = {
    "jpeg": saved("JPEG", "RGB", exif=exif_of(6)),
    "png": png(3, 8, before_pixels=EXIF_6 + chunk(b"tRNS", b"\0")),
    "webp": saved("WEBP", "RGBA", exif=exif_of(6)),
    "avif": saved("AVIF", "RGBA", exif=exif_of(7)),
    "tiff": tiff(samples=3, photometric=2, orientation=6),
    "bmp": bmp(8),
    "gif": gif(True, False),
}


# --- what decoding yields ----------------------------------------------------------------------


def decoded(data, flags=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def assert_describes(header, pixels):
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    assert (header.height, header.width) == pixels.shape[:2]
    assert header.channels == channels
    assert pixels.dtype == {8: np.uint8, 16: np.uint16}[header.bit_depth]


@pytest.mark.parametrize("data", IMAGES.values(), ids=IMAGES)
def test_the_header_tells_the_shape_and_depth_of_the_decoded_array(data):
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize("name", [name for name in IMAGES if name.startswith("jpeg")])
def test_a_jpeg_header_tells_those_of_the_flags_that_decode_it(name):
    assert_describes(probe(IMAGES[name]), decoded(IMAGES[name], JPEG_FLAGS))


@pytest.mark.parametrize("name", IMAGES)
def test_the_format_is_that_of_the_container(name):
    assert probe(IMAGES[name]).format == sniff(IMAGES[name]) == name.split()[0]


@pytest.mark.parametrize("name", IMAGES)
def test_only_progressive_jpeg_and_interlaced_png_are_progressive(name):
    is_progressive = name.startswith("jpeg progressive") or name.endswith("interlaced True")
    assert probe(IMAGES[name]).progressive == is_progressive


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC9])
def test_a_sequential_jpeg_process_that_decodes_is_accepted(marker):
    data = as_process(saved("JPEG", "L"), marker)
    assert_describes(probe(data), decoded(data))


def test_a_header_is_a_cache_key():
    assert len({probe(IMAGES["png L"]), probe(IMAGES["png L"])}) == 1


def test_every_format_has_images_here():
    assert {name.split()[0] for name in IMAGES} == set(FORMATS) == set(SMALL)


# --- orientation -------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_orientation_is_told_and_left_to_apply(kind, orientation):
    data = saved(kind, "RGB", exif=exif_of(orientation))
    assert probe(data).orientation == orientation
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize("orientation", [0, 9, 1000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_out_of_range_counts_as_upright(kind, orientation):
    assert probe(saved(kind, "RGB", exif=exif_of(orientation))).orientation == 1


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("axis", range(2))
def test_avif_turns_and_mirrors_are_told_as_another_reader_tells_them(turns, axis):
    data = bytearray(saved("AVIF", "RGB", exif=exif_of(7)))
    data[data.index(b"irot") + 4], data[data.index(b"imir") + 4] = turns, axis
    told = Image.open(io.BytesIO(data)).getexif().get(274, 1)
    assert probe(bytes(data)).orientation == told


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_tiff_is_decoded_upright_so_nothing_is_left_to_apply(bits, orientation):
    data = tiff(bits=bits, orientation=orientation)
    assert probe(data).orientation == 1
    assert_describes(probe(data), decoded(data))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["B", "H", "I"])
def test_the_orientation_is_read_in_either_byte_order_and_any_width(order, kind):
    number = {"B": 1, "H": 3, "I": 4}[kind]
    entry = struct.pack(f"{order}HHI{kind}", 274, number, 1, 8).ljust(12, b"\0")
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, 1)
    assert probe(png(0, 8, before_pixels=chunk(b"eXIf", head + entry))).orientation == 8


@pytest.mark.parametrize("exif", [b"", b"II", b"XX*\0\0\0\0\0", b"II*\0\xff\xff\xff\xff"])
def test_damaged_metadata_count_as_upright(exif):
    assert probe(png(0, 8, before_pixels=chunk(b"eXIf", exif))).orientation == 1


def test_the_first_of_two_orientations_counts():
    second = chunk(b"eXIf", exif_of(3)[6:])
    assert probe(png(0, 8, before_pixels=EXIF_6 + second)).orientation == 6


# --- what is not accepted ----------------------------------------------------------------------


def frame_at(data):
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at


def as_process(data, marker, precision=8):
    at = frame_at(data)
    return (
        data[: at + 1]
        + bytes((marker,))
        + data[at + 2 : at + 4]
        + bytes((precision,))
        + (data[at + 5 :])
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- drawn --><svg/>", "SVG"),
        (b"<!DOCTYPE html><body><svg/>", "HTML"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", "MP4"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"II+\0\x08\0\0\0", "BigTIFF"),
        (b"MM\0+\0\x08\0\0", "BigTIFF"),
        (b"P6 2 2 255 ", "Netpbm"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "RIFF"),
    ],
)
def test_a_recognised_format_is_named_when_refused(data, name):
    with pytest.raises(UnsupportedFormat, match=rf"{name}.*; accepted are JPEG, PNG, .*GIF"):
        sniff(data)


@pytest.mark.parametrize("data", [b"", b"\0", b"hello, world", bytes(100)])
def test_what_is_no_image_is_refused_with_the_accepted_formats(data):
    with pytest.raises(UnsupportedFormat, match="accepted are JPEG"):
        probe(data)


def test_an_avif_is_known_by_its_compatible_brands():
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif") == "avif"


@pytest.mark.parametrize(
    "data",
    [
        *(as_process(saved("JPEG", "L"), marker) for marker in (0xC5, 0xC6, 0xC7, 0xCB, 0xCD)),
        as_process(saved("JPEG", "L"), 0xC1, precision=12),
        as_process(saved("JPEG", "L"), 0xC3, precision=16),
        b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", bytes(13)),
        tiff(bits=2),
        tiff(bits=4),
        tiff(bits=32),
        tiff(bits=32, t339=[3]),
        tiff(bits=16, t339=[2]),
        tiff(samples=5, photometric=2),
        tiff(samples=2, photometric=2),
        tiff(photometric=32844, bits=16),
        saved("TIFF", "I"),
        saved("TIFF", "F"),
        bmp(2),
        bmp(24, compression=4),
        bmp(16, compression=3, masks=(0xF00, 0xF0, 0xF)),
        bmp(24, size=16),
    ],
)
def test_a_variant_that_does_not_decode_to_8_or_16_bits_is_unsupported(data):
    with pytest.raises(UnsupportedFormat):
        probe(data)


def test_an_avif_of_gray_with_alpha_is_unsupported():
    data = bytearray(saved("AVIF", "RGBA"))
    data[data.index(b"av1C") + 6] |= 0x10  # the first is that of the colours: now of one
    with pytest.raises(UnsupportedFormat, match="gray with alpha"):
        probe(bytes(data))


# --- hostile bytes -----------------------------------------------------------------------------


def outcome(data):
    try:
        return probe(data)
    except (DamagedImage, UnsupportedFormat) as error:
        return error


@pytest.mark.parametrize(
    "data",
    [
        png(0, 8, width=0, height=0),
        saved("JPEG", "L")[: frame_at(saved("JPEG", "L")) + 5] + bytes(4) + b"\1\1\x11\0",
        b"GIF89a" + bytes(7) + b";",
        bmp(24, height=0),
        tiff(t256=[0]),
    ],
    ids=["png", "jpeg", "gif", "bmp", "tiff"],
)
def test_an_image_without_pixels_is_damaged(data):
    with pytest.raises(DamagedImage):
        probe(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_truncation_makes_probing_fail_otherwise(kind):
    whole, data = probe(SMALL[kind]), SMALL[kind]
    for end in range(len(data)):
        found = outcome(data[:end])
        # only the orientation of a WebP comes after its pixels, and may be lost
        assert (
            isinstance(found, DamagedImage | UnsupportedFormat)
            or found == whole
            or (kind == "webp" and found.orientation == 1)
        )


@pytest.mark.parametrize("kind", FORMATS)
def test_no_change_of_bytes_makes_probing_fail_otherwise(kind):
    chance = random.Random(kind)
    for at in range(min(len(SMALL[kind]), 1200)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)):
            data = bytearray(SMALL[kind])
            data[at] = value
            assert isinstance(outcome(bytes(data)), Header | DamagedImage | UnsupportedFormat)
            data[at : at + 4] = bytes((value,)) * 4
            assert isinstance(outcome(bytes(data)), Header | DamagedImage | UnsupportedFormat)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_noise_after_the_first_bytes_makes_probing_fail_otherwise(kind):
    chance = random.Random(kind)
    for _ in range(300):
        data = SMALL[kind][: chance.choice((4, 8, 16, 32, 64))] + chance.randbytes(300)
        assert isinstance(outcome(data), Header | DamagedImage | UnsupportedFormat)


def box(kind, body):
    return struct.pack(">I", 8 + len(body)) + kind + body


FTYP = box(b"ftyp", b"avif" + bytes(4) + b"avif")
PITM = box(b"pitm", bytes(4) + b"\0\1")
MIB = 1 << 20
TABLE = struct.pack("<2sHIH", b"II", 42, 8, 4096) + struct.pack("<HHI4x", 271, 4, 1) * 4096


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 16 * MIB,
        b"\xff\xd8\xff\xe0\0\2" + b"\xff\xe0\0\2" * 4 * MIB,
        b"\xff\xd8\xff\xe0\0\2" + (bytes(4000) + b"\xff\xe0\0\2") * 4000,
        b"\xff\xd8" + (b"\xff\xe1\xff\xff" + b"Exif\0\0" + TABLE[:65527]) * 200,
        png(0, 8)[:33] + chunk(b"eXIf", TABLE) * 100,
        png(0, 8)[:33]
        + chunk(b"eXIf", TABLE[:4] + struct.pack("<I", 20 * 4095 - 4)) * 4095
        + TABLE[8:],
        png(0, 8)[:33] + chunk(b"tEXt", b"") * MIB,
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x08" + bytes(9) + b"ANMF\0\0\0\0" * MIB,
        FTYP + box(b"free", b"") * MIB,
        FTYP + box(b"meta", bytes(4) + box(b"free", b"") * MIB),
        FTYP + box(b"meta", bytes(4) + PITM + box(b"iprp", box(b"ipco", b"") * MIB)),
        FTYP
        + box(
            b"meta",
            bytes(4)
            + PITM
            + box(b"iref", bytes(4) + box(b"auxl", b"\0\2\xff\xff" + b"\0\1" * 8000) * 1000)
            + box(b"iprp", box(b"ipco", b"") + box(b"ipma", bytes(4) + b"\xff" * 4 + bytes(MIB))),
        ),
        struct.pack("<2sHIH", b"II", 42, 8, 0xFFFF) + bytes(12 * 0xFFFF),
        b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + b"\1\1" * 8 * MIB,
        b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + (b"\xff" + bytes(255)) * 65536,
        b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * 4 * MIB,
    ],
    ids=lambda data: f"{data[:3]!r} of {len(data)}",
)
def test_no_repetition_makes_probing_slow(data):
    start = time.perf_counter()
    assert isinstance(outcome(data), DamagedImage | UnsupportedFormat)
    assert time.perf_counter() - start < 0.1


def test_a_directory_that_follows_itself_is_read_once():
    data = tiff()
    looped = data[:-4] + struct.pack("<I", 8 + WIDTH * HEIGHT)
    assert probe(looped) == probe(data)


@pytest.mark.parametrize("size", [2, 7, 0xFFFFFFFF])
def test_a_box_that_does_not_fit_is_damage(size):
    with pytest.raises(DamagedImage):
        probe(FTYP + struct.pack(">I4s", size, b"meta") + bytes(64))


def test_a_box_of_endless_length_is_damage():
    with pytest.raises(DamagedImage):
        probe(FTYP + struct.pack(">I4sQ", 1, b"meta", 2**64 - 1) + bytes(64))


# --- layouts that only larger encoders write -----------------------------------------------------


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


@pytest.mark.parametrize("wide", [False, True])
def test_an_avif_grid_has_the_depth_of_its_tiles_and_its_own_sides(wide):
    assert probe(grid(wide=wide)) == Header("avif", 800, 600, 4, 16, 6, False, unused_bits=6)
